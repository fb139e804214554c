//! The compiler: from the config of a model to a model library.
//!
//! A config becomes a [`graph::Graph`] (`model`), ops are fused into stages that one kernel each can compute (`pass`), stages are lowered
//! once for each entry and device class into [`spec`]s, kernels and dispatches (`lower`, `memory`), and the resulting plan is written as a
//! WebAssembly module with launch code (`emit`). Nothing here touches a GPU or sees a weight, but for [`convert`], which writes packages.

mod compile;
pub mod config;
#[cfg(not(target_arch = "wasm32"))]
pub mod convert;
mod dump;
mod emit;
mod error;
pub mod graph;
mod lower;
mod memory;
pub mod model;
mod parallel;
mod pass;
pub mod quant;
mod range;
pub mod schedule;
pub mod spec;
mod state;
pub mod template;
pub mod tune;
mod weights;

pub use compile::{CompileOptions, Compiled, compile};
pub use config::Config;
pub use dump::Phase;
pub use error::{Error, ErrorKind};
pub use memory::MemoryPlan;
