//! What an answer may be: grammars over a model's vocabulary.
//!
//! The library llguidance does the work. This crate gives it the few words that the runtime needs, so that the runtime sees the same
//! natively and in a page. There it is a WebAssembly module of its own (`web`), because most pages never ask for it and it is half as large
//! as the runtime.
//!
//! A [`Vocabulary`] is made once for a model. It compiles a grammar to a [`Matcher`], which follows one answer token by token.

mod error;
mod matcher;
mod vocabulary;
#[cfg(target_arch = "wasm32")]
mod web;

pub use error::{Error, ErrorKind, Result};
pub use matcher::Matcher;
pub use vocabulary::{Kind, Vocabulary};

#[cfg(test)]
mod tests;
