//! Loading: from the files of a weight package to a model on a GPU.
//!
//! [`manifest`] reads the list of tensors, [`weights`] compares it with the library and takes shards as they arrive, and `upload` sorts the
//! bytes of a shard into buffers.

mod fingerprint;
pub mod manifest;
mod upload;
pub mod weights;
