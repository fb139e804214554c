//! What can be wrong with a grammar.

use std::fmt;

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
    /// A vocabulary that does not fit what is said of it.
    #[error("{reason}")]
    Vocabulary {
        /// What does not fit.
        reason: String,
    },
    /// The grammar cannot be understood, or has what is not supported.
    #[error("{reason}")]
    Grammar {
        /// What is wrong, as llguidance says it.
        reason: String,
    },
    /// The grammar is too much work, or it came to a place where nothing can follow.
    #[error("{reason}")]
    Stuck {
        /// Why, as llguidance says it.
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
    fn from(kind: ErrorKind) -> Error {
        Error { kind: Box::new(kind) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(formatter)
    }
}

impl std::error::Error for Error {}
