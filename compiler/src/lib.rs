//! The compiler: from the config of a model to a model library.
//!
//! - [`config`] reads a config, and [`model`] makes a [`graph::Graph`] of it.
//! - `fuse` joins the ops of a graph into stages. A stage is one kernel, or a few in a row.
//! - `lower` makes dispatches of the stages, once for each entry (`entry`) and device class. `weights`, `state` and `memory` say where
//!   parameters, caches and activations are.
//! - [`op`] has everything about one kind of kernel in a module each. [`format`](mod@format) does the same for the ways to store weights,
//!   and [`quant`] names combinations of them.
//! - [`schedule`] says how a kernel computes, [`tune`] chooses it by what was measured, [`link`] and [`template`] make its text.
//! - `emit` writes plan and texts as a WebAssembly module with launch code.
//! - [`convert`] makes weight packages. Nothing else here sees a weight, and nothing here touches a GPU.

mod compile;
pub mod config;
#[cfg(not(target_arch = "wasm32"))]
pub mod convert;
mod digest;
mod dump;
mod emit;
mod entry;
mod error;
mod fingerprint;
pub mod format;
mod fuse;
pub mod graph;
pub mod link;
mod lower;
mod memory;
pub mod model;
pub mod op;
pub mod operand;
mod parallel;
pub mod quant;
mod range;
pub mod schedule;
mod state;
pub mod template;
pub mod tune;
mod weights;

pub use compile::{CompileOptions, Compiled, compile};
pub use config::Config;
pub use digest::digest;
pub use dump::Phase;
pub use error::{Error, ErrorKind};
pub use memory::MemoryPlan;
pub use model::{Architecture, architectures};
