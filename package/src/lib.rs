//! Weight packages and checkpoints: everything that reads or writes weights, for compiler, runtime and page.
//!
//! - [`mlc`] has the files of a package in MLC's format. One set of types is written and read.
//! - [`Checkpoint`] is the tensors of a model as others publish them, by name, over [`Source`]s: bytes
//!   that can be read by range. [`safetensors`] reads them from the files of Hugging Face.
//! - [`Recipe`] says how each parameter of a package is made from the tensors of a checkpoint. It runs
//!   a piece at a time, in bounded memory, into a [`Sink`].
//!
//! # Pulling and pushing
//! A checkpoint is *pulled*: a recipe knows which ranges the next piece needs ([`recipe::Piece`]), and
//! whoever runs it reads them. The code that decides and computes does no I/O, so that a page can run
//! the same recipe with `await` where [`Recipe::run`] reads a file. A package is *pushed*: its shards
//! arrive over the network in slices of any size, and the runtime's loader takes them as they come.
//! The two meet in [`Sink`]: what a recipe makes leaves it as slices of any size too, in the order of
//! the package, so that they may go to a shard on disk or to a loader.
//!
//! The feature `make` has what makes packages. Without it there is only what reads the files of [`mlc`].

#[cfg(feature = "make")]
mod checkpoint;
mod element;
mod error;
#[cfg(feature = "make")]
pub mod file;
#[cfg(feature = "make")]
pub mod json;
pub mod mlc;
#[cfg(feature = "make")]
mod numbers;
#[cfg(feature = "make")]
pub mod recipe;
#[cfg(feature = "make")]
pub mod safetensors;
#[cfg(feature = "make")]
mod source;

#[cfg(feature = "make")]
pub use checkpoint::{Checkpoint, Tensor};
pub use element::Element;
pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "make")]
pub use recipe::{Codec, Recipe, Sink};
#[cfg(feature = "make")]
pub use source::{FileSource, MemorySource, Source};
