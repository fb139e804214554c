//! Loading: from the files of a weight package to a model on a GPU.
//!
//! [`manifest`] reads the list of tensors, [`weights`] compares it with the library ([`Module`]) and takes shards as they arrive, and `upload`
//! sorts the bytes of a shard into buffers. [`needs`] says what a model would take.

pub mod manifest;
mod module;
pub mod needs;
mod upload;
pub mod weights;

pub use module::Module;
