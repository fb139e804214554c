//! Loading: from the files of a weight package to a model on a GPU.
//!
//! The crate `tegula-package` reads the list of tensors, `compare` holds it against the library ([`Module`]), and `fit` holds the library
//! against the device. [`weights`] takes shards as they arrive, `upload` sorts the bytes of a shard into buffers, and `fingerprint` names the
//! result. [`needs`] says what a model would take.

mod compare;
mod fingerprint;
mod fit;
mod module;
pub mod needs;
mod upload;
pub mod weights;

pub use module::Module;
