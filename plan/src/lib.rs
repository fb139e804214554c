//! The contract between the compiler and the runtime.
//!
//! A [`Plan`] is all that the runtime knows of a model: which tensors to load, which buffers to make, and for each device class which
//! kernels to run in which order. It holds no weights, names no GPU API and does no I/O, so that both sides can depend on it alone. It
//! travels inside a model library ([`Library`]), a WebAssembly module whose code computes what [`Size`] expresses.

mod buffer;
mod count;
mod error;
mod fingerprint;
mod library;
mod model;
mod param;
mod precision;
mod requires;
mod size;
mod state;
mod variant;

pub use buffer::{Binding, Buffer, Row, Vector, VectorSource};
pub use count::count;
pub use error::{Error, ErrorKind};
pub use fingerprint::Fingerprint;
pub use library::{FORMAT_VERSION, Library, section};
pub use model::{Activations, Model};
pub use param::{Dtype, Param, Piece};
pub use precision::Precision;
pub use requires::Requires;
pub use size::{Size, StepSize};
pub use state::{Paged, State};
pub use variant::{Alternative, Choice, Dispatch, Entry, Kernel, KernelBinding, Variant, When};

use serde::{Deserialize, Serialize};

/// Tokens in a page of the KV cache.
pub const PAGE_SIZE: u32 = 16;

/// Members of the uniform block that every kernel is launched with, in order, each a `u32`. Kernels get a struct of them, `Launch`.
///
/// `rows`: rows of the step; `first`: first row this dispatch works on; `splits`: parts that attention cuts a sequence into; `base`: first
/// row of the table part that is bound; `gain`, `bias`, `query_gain`, `key_gain`: offsets in the vectors arena, in elements.
pub const LAUNCH_MEMBERS: [&str; LAUNCH_WORDS] = ["rows", "first", "splits", "base", "gain", "bias", "query_gain", "key_gain"];

/// Words of the launch uniform.
pub const LAUNCH_WORDS: usize = 8;

/// Words in a row of the launch table: the grid, then the uniform block.
pub const TABLE_WORDS: usize = 3 + LAUNCH_WORDS;

/// Members of an element of [`Buffer::Sampling`], in order, a word each. Kernels get a struct of them, `Sampling`.
///
/// `drawn`: 0 for sequences whose ids the kernels shall not draw; `adjusts`: whether [`Buffer::Tokens`] is counted and applied; `ids`: ids
/// from this number on are never drawn; the members in [`SAMPLING_FLOATS`] are f32; `top_k`: how many ids can be drawn, or 0 for all;
/// `deepest`: the greatest depth of an id that can be drawn, or [`DEEPEST`]; `seed`, `seed_high`: the key of the draws.
pub const SAMPLING_MEMBERS: [&str; SAMPLING_WORDS] =
    ["drawn", "adjusts", "ids", "temperature", "top_p", "top_k", "deepest", "presence", "frequency", "repetition", "seed", "seed_high"];

/// The members of [`SAMPLING_MEMBERS`] that are an `f32`. The others are a `u32`.
pub const SAMPLING_FLOATS: [&str; 5] = ["temperature", "top_p", "presence", "frequency", "repetition"];

/// Words of an element of [`Buffer::Sampling`].
pub const SAMPLING_WORDS: usize = 12;

/// Steps of depth of one. The depth of an id is how far its logit is below the greatest, over the temperature; hosts and kernels measure it in
/// whole steps, so that they agree on which ids are equally likely and on where a limit is.
pub const DEPTH_ONE: f32 = 16_777_216.0;

/// The greatest depth that ids are drawn at: just above 32. What lies deeper weighs less than a rounding error of the sum of all.
pub const DEEPEST: u32 = (32 << 24) - 1;

/// The largest storage binding that a plan may ask for, in bytes: what every WebGPU device can bind. Larger tables are split.
pub const MAX_BINDING: u64 = 128 << 20;

/// The most storage buffers that a kernel may bind: what every WebGPU device has.
pub const MAX_STORAGE_BUFFERS: usize = 8;

/// The most bytes of workgroup memory of kernels for matrix units. A device whose workgroups have less counts as one without such units: GPUs
/// that have them have this much, and with the 32 KiB of others tiles would be too small to feed them.
pub const MATRIX_WORKGROUP_MEMORY: u32 = 48 << 10;

/// A compiled model, for every device class the library serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the model is.
    pub model: Model,
    /// The tensors it reads from the weight package.
    pub params: Vec<Param>,
    /// Small f32 arrays kept together in one arena ([`Buffer::Vectors`]): gains, biases, rope frequencies.
    pub vectors: Vec<Vector>,
    /// Everything a dispatch can bind.
    pub buffers: Vec<Buffer>,
    /// Kernels and dispatches by device class, the most demanding first. The last one requires nothing.
    pub variants: Vec<Variant>,
}
