//! What can be wrong with a package or a checkpoint.

use std::fmt;
use std::path::PathBuf;

/// Short for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug)]
pub struct Error {
    kind: Box<ErrorKind>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A JSON file of a package does not say what it must.
    #[error("`{file}` cannot be used: {reason}")]
    Manifest {
        /// The file.
        file: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// A file of a package has a value that cannot be served.
    #[error("`{field}` in {file} is {value}: {allowed}")]
    ConfigValue {
        /// The file.
        file: &'static str,
        /// The key.
        field: &'static str,
        /// What it is.
        value: String,
        /// What it must be.
        allowed: &'static str,
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
    #[error(
        "the checkpoint has no tensor `{name}`, of shape {expected:?}, in {searched}; \
         is the config that of this checkpoint?"
    )]
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
