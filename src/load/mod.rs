//! Loading: from the files of a weight package to a model on a GPU.
//!
//! - `compare` compares the list of tensors, which the crate `tegula-package` reads, with the library ([`Module`]).
//! - `fit` compares the library with the device.
//! - [`needs`] says what a model would take.
//! - [`weights`] takes shards as they arrive, and `upload` sorts the bytes of a shard into buffers.
//! - `fingerprint` names the result.
//! - [`folder`] reads packages from the file system, natively.

mod compare;
mod fingerprint;
mod fit;
#[cfg(not(target_arch = "wasm32"))]
pub mod folder;
mod module;
pub mod needs;
mod upload;
pub mod weights;

pub use module::Module;
