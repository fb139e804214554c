//! What can go wrong between a config and a model library, and between a checkpoint and a package.

use std::fmt;

/// An error of this crate.
#[derive(Debug)]
pub struct Error {
    kind: Box<ErrorKind>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The config is not JSON, or not an object.
    #[error("not a model config: {0}; give a Hugging Face config.json or an mlc-chat-config.json")]
    NotAConfig(String),
    /// No such model family.
    #[error("{}", unknown(found, *reason, *nearest))]
    UnknownArchitecture {
        /// What the config says; empty if it says nothing.
        found: String,
        /// Why it is not supported, if it is of a family that is known for it.
        reason: Option<&'static str>,
        /// The known one that is most like it, if one is like it at all.
        nearest: Option<&'static str>,
    },
    /// A setting is missing or has the wrong type.
    #[error("the config of a `{architecture}` model cannot be read: {reason}")]
    Config {
        /// Model family.
        architecture: &'static str,
        /// What the reader met.
        reason: String,
    },
    /// A setting has a value that the compiler cannot serve.
    #[error("`{setting}` is {found}; it must be {expected}")]
    Setting {
        /// Its name in the config or among the options.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What would work.
        expected: String,
    },
    /// No such quantization.
    #[error("unknown quantization `{name}`; this compiler knows {known}")]
    UnknownQuantization {
        /// What was asked for.
        name: String,
        /// Names of the known ones.
        known: String,
    },
    /// A tensor cannot be bound and cannot be split.
    #[error(
        "`{tensor}` takes {bytes} bytes and cannot be split, but a storage binding holds at most {limit}; choose a smaller quantization or model"
    )]
    TensorTooLarge {
        /// Name in the package.
        tensor: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A step has more rows than its activations have room for.
    #[error("`{setting}` is {asked}, but activations of that many rows exceed a storage binding; at most {fits} fit")]
    StepTooLarge {
        /// `prefill_chunk_size` or `max_batch_size`.
        setting: &'static str,
        /// What was asked for.
        asked: u32,
        /// The most that fits.
        fits: u32,
    },
    /// A grid or a number of the launch table is out of range.
    #[error("dispatch `{label}` needs {what}; choose a smaller context window or prefill chunk")]
    Launch {
        /// Which dispatch.
        label: String,
        /// What exceeds which limit.
        what: String,
    },
    /// No kernel computes an op where it stands.
    #[error("no kernel computes `{op}` where it stands in the graph: {reason}")]
    Unfused {
        /// Label of the op.
        op: String,
        /// What is in the way.
        reason: String,
    },
    /// A WGSL template cannot be specialised. Always a defect of this compiler or of a template.
    #[error("template `{template}`: {reason}")]
    Template {
        /// Its path under `wgsl/`.
        template: String,
        /// What the linker met.
        reason: String,
    },
    /// No schedule computes a spec.
    #[error("no schedule for {spec}: {reason}")]
    NoSchedule {
        /// The spec.
        spec: String,
        /// What is in the way.
        reason: String,
    },
    /// A file of search records is damaged.
    #[error("{file}:{line}: not a search record: {reason}; delete the line, or measure again with `tegula tune`")]
    Record {
        /// Which file.
        file: String,
        /// Which line, counted from one.
        line: usize,
        /// What the reader met.
        reason: String,
    },
    /// Only measured schedules were to be used, and none is known.
    #[error("no search record for `{spec}` on {device}; measure it with `tegula tune`, or compile without `--frozen`")]
    NoRecord {
        /// Key of the spec.
        spec: String,
        /// The device asked for, or what else was searched.
        device: String,
    },
    /// A package or a checkpoint is at fault.
    #[error(transparent)]
    Package(#[from] tegula_package::Error),
}

/// What is said of an unknown architecture.
fn unknown(found: &str, reason: Option<&str>, nearest: Option<&str>) -> String {
    const ALL: &str = "`tegula models` lists what is supported";
    if found.is_empty() {
        return format!("the config names no architecture: it has neither `model_type` nor `architectures`; {ALL}");
    }
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let nearest = nearest.map(|nearest| format!("; the nearest that is supported is `{nearest}`")).unwrap_or_default();
    format!("unsupported architecture `{found}`{reason}{nearest}; {ALL}")
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// What is wrong with a package or a checkpoint, where that is it.
    #[must_use]
    pub fn package(&self) -> Option<&tegula_package::ErrorKind> {
        match self.kind() {
            ErrorKind::Package(error) => Some(error.kind()),
            _ => None,
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error { kind: Box::new(kind) }
    }
}

impl From<tegula_package::Error> for Error {
    fn from(error: tegula_package::Error) -> Self {
        ErrorKind::Package(error).into()
    }
}

impl From<tegula_package::ErrorKind> for Error {
    fn from(kind: tegula_package::ErrorKind) -> Self {
        tegula_package::Error::from(kind).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.kind)
    }
}
