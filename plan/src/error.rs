//! What can be wrong with a model library.

use std::fmt;

/// An error of this crate.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a WebAssembly module that Tegula wrote.
    #[error("not a Tegula model library: {0}; compile one with `tegula compile`")]
    NotALibrary(String),
    /// Written by another version of the compiler.
    #[error(
        "the model library has format version {found}, this runtime reads version {supported}; compile the model again with this release"
    )]
    UnknownVersion {
        /// What the library says.
        found: u32,
        /// What this crate reads.
        supported: u32,
    },
    /// Bytes have changed since the library was compiled.
    #[error("the model library is damaged: its checksum is not that of its bytes; download or compile it again")]
    Checksum,
    /// A section is damaged.
    #[error("section `{section}` of the model library is damaged: {reason}; download or compile it again")]
    Damaged {
        /// Its name.
        section: &'static str,
        /// What the reader met.
        reason: String,
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
        Error { kind }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for Error {}
