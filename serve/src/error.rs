//! Why a server does not start. What goes wrong with a request is a `refusal`.

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// An error of this crate.
#[derive(Debug)]
pub struct Error {
    kind: Box<ErrorKind>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Others reach the address, and nothing says that they may.
    #[error(
        "{address} can be reached from other machines, and no key is asked for; give --api-key, or --allow-anonymous if everybody may use it"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// A key that no client can send.
    #[error("a key must have at least one character, and only those that a header takes (printable ASCII)")]
    Key,
    /// An origin that no browser sends.
    #[error("`{origin}` is no origin; give a scheme and a host, such as https://example.org, or * for all")]
    Origin {
        /// What was given.
        origin: String,
    },
    /// The address cannot be taken.
    #[error("cannot listen on {address}: {source}; choose another --port or --host")]
    Address {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system has no threads or signals to give.
    #[error("the server cannot run: {source}")]
    Runtime {
        /// What the system said.
        source: io::Error,
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
