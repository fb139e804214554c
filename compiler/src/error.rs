//! What can go wrong between a config and a model library, and between a checkpoint and a package.

use std::fmt;
use std::path::PathBuf;

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
    #[error("unknown architecture `{found}`; this compiler knows {known}")]
    UnknownArchitecture {
        /// What the config says.
        found: String,
        /// Names of the known ones.
        known: String,
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
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of a checkpoint is damaged or of an unknown kind.
    #[error("{path}: {reason}", path = path.display())]
    Checkpoint {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The checkpoint lacks a tensor that the architecture needs.
    #[error("the checkpoint has no tensor `{name}`, of shape {expected:?}, in {searched}; is the config that of this checkpoint?")]
    MissingTensor {
        /// Its name.
        name: String,
        /// The shape it should have.
        expected: Vec<u64>,
        /// The files of the checkpoint.
        searched: String,
    },
    /// A tensor of the checkpoint has another shape than the config says.
    #[error("tensor `{name}` has shape {found:?}, the config says {expected:?}")]
    TensorShape {
        /// Its name.
        name: String,
        /// What the config says.
        expected: Vec<u64>,
        /// What the checkpoint holds.
        found: Vec<u64>,
    },
    /// A tensor has an element type that cannot be converted.
    #[error("tensor `{name}` has element type {found}; f32, f16 and bf16 can be converted")]
    TensorType {
        /// Its name.
        name: String,
        /// Its type.
        found: String,
    },
    /// A number of the checkpoint cannot be stored as the package stores it.
    #[error("element {position} of tensor `{name}` is {value}, which {dtype} cannot hold; {advice}")]
    TensorValue {
        /// The tensor's name.
        name: String,
        /// Which element, counted from zero in row-major order.
        position: u64,
        /// Its value.
        value: f32,
        /// Element type in the package.
        dtype: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The folder to write holds something that is no part of a package.
    #[error("{path} holds `{entry}`, which is no part of a package; choose a new or empty folder", path = path.display())]
    ForeignFolder {
        /// Which folder.
        path: PathBuf,
        /// Something in it.
        entry: String,
    },
    /// The conversion was broken off.
    #[error("interrupted: nothing was written")]
    Interrupted,
    /// Another conversion writes the same package.
    #[error("{path} is being written by another conversion; wait for it or choose another folder", path = path.display())]
    Busy {
        /// Which folder.
        path: PathBuf,
    },
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error { kind: Box::new(kind) }
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
