//! Loading: from the files of a weight package to a model on a GPU.
//!
//! The crate `tegula-package` reads the list of tensors, `compare` holds it against
//! the library, [`weights`] takes shards as they arrive, and `upload` sorts the bytes of a shard into
//! buffers.

mod compare;
mod upload;
pub mod weights;
