//! Loading: from the files of a weight package to a model on a GPU.
//!
//! [`manifest`] reads the list of tensors, `fit` compares it with the library and the device, [`weights`] takes shards as they arrive,
//! `upload` sorts the bytes of a shard into buffers, and `fingerprint` names the result.

mod fingerprint;
mod fit;
pub mod manifest;
mod upload;
pub mod weights;
