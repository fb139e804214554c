//! Flags that many commands share: the model, its library, the device.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::value;

/// The type of activations in matrix multiplications of prompts. Its values have no help of their own: clap would set every page in the long
/// form for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Activations {
    // Floating-point numbers.
    Float,
    // Signed bytes: less precise, for 4-bit weights only.
    Int8,
}

/// What arithmetic answers are made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    // The fastest that the device has.
    #[default]
    Auto,
    // 32-bit floats everywhere, in the kernels that every device can run.
    F32,
}

/// What shapes a model library.
#[derive(Clone, Debug, Default, Args)]
pub struct LibraryFlags {
    /// The most tokens of a sequence, prompt and answer together [default: the model's].
    #[arg(long, value_name = "TOKENS", alias = "context", value_parser = value::context, help_heading = "Library")]
    pub context_window_size: Option<u32>,
    /// The most prompt tokens of one step [default: 1024].
    #[arg(long, value_name = "TOKENS", value_parser = value::count, help_heading = "Library")]
    pub prefill_chunk_size: Option<u32>,
    /// The most sequences of one step [default: 4].
    #[arg(long, value_name = "N", value_parser = value::count, help_heading = "Library")]
    pub max_batch_size: Option<u32>,
    /// Let attention look back this many tokens only, 0 for all [default: the model's].
    #[arg(long, value_name = "TOKENS", help_heading = "Library")]
    pub sliding_window_size: Option<u32>,
    /// What products of prompts take activations as: float, or int8, which is less precise [default: float].
    #[arg(long, value_enum, value_name = "KIND", hide_possible_values = true, help_heading = "Library")]
    pub activations: Option<Activations>,
    /// Choose kernels by these records of `tegula tune` [default: those of this program].
    #[arg(long, value_name = "FILE", help_heading = "Library")]
    pub records: Option<PathBuf>,
}

/// The names of [`LibraryFlags`], which a finished library excludes.
pub(super) const SHAPING: [&str; 6] =
    ["context_window_size", "prefill_chunk_size", "max_batch_size", "sliding_window_size", "activations", "records"];

/// Which GPU, and what of it.
#[derive(Clone, Debug, Default, Args)]
pub struct DeviceFlags {
    /// Use the first GPU whose name contains this; `tegula devices` lists them.
    #[arg(long, value_name = "NAME", alias = "adapter", value_parser = value::text, help_heading = "Device")]
    pub device: Option<String>,
    /// Use only what every WebGPU device has: no optional features, default limits.
    #[arg(long, help_heading = "Device")]
    pub baseline: bool,
}

/// A package, its library and the device that runs it.
#[derive(Clone, Debug, Args)]
pub struct Model {
    /// Folder of a weight package, or of a Hugging Face model, which is converted once and kept.
    #[arg(value_name = "MODEL", index = 1)]
    pub package: PathBuf,
    /// How to store the weights of a Hugging Face folder [default: q4f16_1].
    #[arg(long, value_name = "NAME", value_parser = value::quantization(), help_heading = "Model")]
    pub quantization: Option<String>,
    /// A library that `tegula compile` wrote [default: compiled here and kept].
    #[arg(long, value_name = "LIB.wasm", conflicts_with_all = SHAPING, help_heading = "Model")]
    pub library: Option<PathBuf>,
    /// Run that library's kernels as if it had been compiled here: without bounds on loops, and on matrix units.
    #[arg(long, requires = "library", help_heading = "Model")]
    pub trust_library: bool,
    /// f32 computes in 32 bits only, so that a seed draws the same on all devices; slower [default: auto].
    #[arg(long, value_enum, value_name = "KIND", hide_possible_values = true, help_heading = "Model")]
    pub precision: Option<Precision>,
    #[command(flatten)]
    pub flags: LibraryFlags,
    #[command(flatten)]
    pub device: DeviceFlags,
}
