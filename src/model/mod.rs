//! A model on a GPU: what it takes to run one step.
//!
//! - [`budget`] and `capacity` work out what fits into the memory of a device; `buffers` makes it.
//! - [`launch`] computes launch words with the library's own code; `layout` groups the rows of a step.
//! - `compiling` makes the kernels, `program` binds them for an entry, `ready` puts a model together.
//! - [`choose`] and `trial` settle which of several kernels runs.
//! - [`kv`] says which pages of a cache are whose, [`pools`] does so for every group of layers. `grow` makes caches larger, and `replacing`
//!   keeps what that has under way.
//! - [`step`] runs steps; `facts` is what a model says of itself. The engine sees a model through the trait of [`forward`].

pub mod budget;
mod buffers;
mod capacity;
pub mod choose;
mod compiling;
mod facts;
pub mod forward;
mod grow;
pub mod kv;
pub mod launch;
mod layout;
pub mod pools;
mod program;
mod ready;
mod replacing;
pub mod step;
mod trial;

pub(crate) use buffers::{Buffers, Place, Sink};
pub use capacity::GroupMemory;
pub(crate) use compiling::Compiling;
pub use compiling::OnKernels;
pub(crate) use ready::ready;
