//! The compiler: from the config of a model to a model library.
//!
//! A config becomes a [`graph::Graph`] ([`model`]), ops are fused into stages that few kernels can compute (`fuse`), stages are lowered once
//! for each entry and device class into dispatches (`lower`, `memory`), kernels are linked ([`link`], [`template`]), and the resulting plan
//! is written as a WebAssembly module with launch code (`emit`). Everything about one kind of kernel is in its module of [`op`], and
//! everything about one way to store weights in its module of [`format`](mod@format). Nothing here touches a GPU or sees a weight, but for [`convert`], which writes packages.

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
