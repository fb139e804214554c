//! What can go wrong at run time.
//!
//! `kind` has all kinds; each says what, where and what to do. `facts` says what programs are told of a kind: its code, its class in the npm
//! package and its fields. A new kind is a variant of the one and an arm of the other, which the compiler asks for.

mod facts;
mod host;
mod kind;

use std::fmt;
use std::sync::Arc;

pub use facts::{Class, Facts};
pub use host::HostError;
pub use kind::ErrorKind;

/// Short for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate. Clones are cheap: what ends a device is told to every request.
#[derive(Clone, Debug)]
pub struct Error {
    kind: Arc<ErrorKind>,
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// What is wrong with a file of the package, where that is it.
    #[must_use]
    pub fn package(&self) -> Option<&tegula_package::ErrorKind> {
        match self.kind() {
            ErrorKind::Package(error) => Some(error.kind()),
            _ => None,
        }
    }

    /// The stable name of its kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.facts().code
    }

    /// What programs are told of it.
    #[must_use]
    pub fn facts(&self) -> Facts {
        facts::of(&self.kind)
    }
}

impl<K: Into<ErrorKind>> From<K> for Error {
    fn from(kind: K) -> Self {
        Error { kind: Arc::new(kind.into()) }
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
