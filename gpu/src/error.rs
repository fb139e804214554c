//! What can go wrong on the way to the GPU.

use std::fmt;

/// An error of this crate.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no GPU to use.
    #[error("no GPU adapter: {reason}")]
    NoAdapter {
        /// Why, and what to do.
        reason: String,
    },
    /// The adapter gave no device.
    #[error("the GPU `{adapter}` refused a device: {reason}")]
    DeviceRequest {
        /// Its name.
        adapter: String,
        /// What the driver or browser said.
        reason: String,
    },
    /// Something is larger than the device allows.
    #[error("{what} needs {needed}, but this device's {limit} is {available}")]
    Limit {
        /// The limit, by its name in the WebGPU specification, such as `maxBufferSize`.
        limit: &'static str,
        /// What is too large.
        what: String,
        /// How much it needs.
        needed: u64,
        /// How much there is.
        available: u64,
    },
    /// A kernel needs a feature that the device does not have, or was not asked for.
    #[error("`{label}` needs the feature `{feature}`, which this device was made without")]
    Feature {
        /// The kernel.
        label: String,
        /// The feature, by its name in the WebGPU specification.
        feature: &'static str,
    },
    /// The device has no room for a buffer.
    #[error("the GPU is out of memory: {what}; close what else uses it, or choose a smaller model or context window")]
    OutOfMemory {
        /// What was being made.
        what: String,
    },
    /// A kernel text was refused.
    #[error("kernel `{label}` does not compile here: {message}")]
    Shader {
        /// The kernel.
        label: String,
        /// What the compiler said.
        message: String,
    },
    /// Nobody waits for the kernel any more.
    #[error("kernel `{label}` was not compiled: its load was given up")]
    GivenUp {
        /// The kernel.
        label: String,
    },
    /// Ranges that do not fit the kernel or the buffers they name.
    #[error("`{label}` cannot be bound: {reason}")]
    Binding {
        /// What was being bound.
        label: String,
        /// What is wrong.
        reason: String,
    },
    /// The device is gone: driver reset, unplugged, or the browser took it back.
    #[error("the GPU device was lost: {reason}; load the model again")]
    Lost {
        /// What the driver or browser said.
        reason: String,
    },
    /// The driver or browser refused a command. That is a defect in Tegula or in the model library.
    #[error("the GPU refused a command: {reason}")]
    Refused {
        /// What was said.
        reason: String,
    },
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The kind alone.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        self.kind
    }

    /// An error that creating `what` raised in an error scope.
    pub(crate) fn creating(what: &str, error: wgpu::Error) -> Self {
        match error {
            wgpu::Error::OutOfMemory { .. } => ErrorKind::OutOfMemory { what: what.into() }.into(),
            wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
                ErrorKind::Refused { reason: format!("{what}: {description}") }.into()
            }
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error { kind }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for Error {}
