//! The arguments of `tegula convert`, `tegula compile` and `tegula models`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{LibraryFlags, Precision, value};

/// `tegula convert`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tegula convert ./Llama-3.2-1B-Instruct -o ./llama-1b
  tegula convert ./Qwen3-0.6B -o ./qwen --quantization q0f16

q4 stores weights in 4 bits, q0 as they are; f16 and f32 are the precision of
the rest. A package is what pages load, and what `tegula run` takes.")]
pub struct Convert {
    /// Folder with config.json and one or many .safetensors files.
    #[arg(value_name = "FOLDER")]
    pub source: PathBuf,
    /// Folder to write; made if it is not there.
    #[arg(short, long, value_name = "PKG")]
    pub output: PathBuf,
    /// How weights are stored.
    #[arg(long, value_name = "NAME", default_value = "q4f16_1", value_parser = value::quantization())]
    pub quantization: String,
    /// Round f32 tensors to bf16, as MLC does, even where that loses precision.
    #[arg(long)]
    pub bf16: bool,
}

/// A phase of the compiler that can be printed. The flag's own help says what each is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Emit {
    // The operations of the model as its architecture states them.
    Graph,
    // The kernels' specs after fusion.
    Fused,
    // Dispatches, bindings and memory.
    Plan,
    // The shader texts.
    Wgsl,
}

/// `tegula compile`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tegula compile ./llama-1b -o ./llama-1b/library.wasm
  tegula compile config.json --quantization q4f16_1 -o model.wasm
  tegula compile ./llama-1b --device \"NVIDIA H200\" -o h200.wasm
  tegula compile ./llama-1b --emit plan")]
pub struct Compile {
    /// A package folder, a Hugging Face folder, or a config.json or mlc-chat-config.json.
    pub model: PathBuf,
    /// Where to write the library. Without it nothing is written, which goes with `--emit`.
    #[arg(short, long, value_name = "LIB.wasm", required_unless_present = "emit")]
    pub output: Option<PathBuf>,
    /// How the weights of a Hugging Face model are stored [default: q4f16_1].
    #[arg(long, value_name = "NAME", value_parser = value::quantization())]
    pub quantization: Option<String>,
    /// Print what the compiler made: operations (graph), specs of kernels (fused), dispatches and memory (plan), or shaders (wgsl).
    #[arg(long, value_enum, value_name = "PHASE", hide_possible_values = true)]
    pub emit: Option<Emit>,
    /// Choose kernels by what was measured on the device of this name [default: good on all that were measured].
    #[arg(long, value_name = "NAME", help_heading = "Kernels", value_parser = value::text)]
    pub device: Option<String>,
    /// Fail where nothing was measured instead of taking a default schedule.
    #[arg(long, help_heading = "Kernels")]
    pub frozen: bool,
    /// How many schedules of a kernel the library holds at most, for a device to choose among at its first load, where none was measured on
    /// the device that is named; 1 leaves no choice [default: 3].
    #[arg(long, value_name = "N", help_heading = "Kernels", value_parser = clap::value_parser!(u32).range(1..=8))]
    pub alternatives: Option<u32>,
    /// f32 makes a library that `--precision f32` can run: it keeps keys and values in 32 bits [default: auto].
    #[arg(long, value_enum, value_name = "KIND", hide_possible_values = true, help_heading = "Library")]
    pub precision: Option<Precision>,
    #[command(flatten)]
    pub library: LibraryFlags,
}

/// `tegula models`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tegula models
  tegula models --json

A line for each architecture: the `model_type` of its config.json, its class in
Hugging Face's library, and models that are of it.")]
pub struct Models {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
