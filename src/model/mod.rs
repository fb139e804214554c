//! A model on a GPU: what it takes to run one step.
//!
//! [`budget`] works out what fits into the memory of a device, `buffers` makes it, [`launch`] computes launch words with the library's own
//! code, `layout` groups the rows of a step, `program` binds an entry's kernels, `compiling` makes them, [`choose`] and `trial` settle which of several to run, and [`step`]
//! runs steps over the paged cache of [`kv`]. The engine sees a model through the trait of [`forward`].

pub mod budget;
mod buffers;
mod capacity;
pub mod choose;
mod compiling;
pub mod forward;
mod grow;
pub mod kv;
pub mod launch;
mod layout;
pub mod pools;
mod program;
mod ready;
pub mod step;
mod trial;

pub(crate) use buffers::{Buffers, Place, Sink};
pub use capacity::GroupMemory;
pub(crate) use compiling::Compiling;
pub use compiling::OnKernels;
pub(crate) use ready::ready;
