//! The arguments of `tegula bench` and `tegula tune`.

use std::path::PathBuf;

use clap::Args;

use super::model::SHAPING;
use super::{Activations, DeviceFlags, LibraryFlags, value};

/// `tegula bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tegula bench ./llama-1b
  tegula bench config.json --random-weights --contexts 512,4096 --batches 1,4
  tegula bench ./llama-1b --json")]
pub struct Bench {
    /// A weight package or a Hugging Face folder; with `--random-weights` a config.json will do.
    pub model: PathBuf,
    /// Fill the weights on the GPU instead of reading them.
    #[arg(long, help_heading = "Model")]
    pub random_weights: bool,
    /// How the weights of a Hugging Face model are stored [default: q4f16_1].
    #[arg(long, value_name = "NAME", value_parser = value::quantization(), help_heading = "Model")]
    pub quantization: Option<String>,
    /// A library that `tegula compile` wrote [default: compiled here].
    #[arg(long, value_name = "LIB.wasm", conflicts_with_all = SHAPING, help_heading = "Model")]
    pub library: Option<PathBuf>,
    /// Run that library's kernels as if it had been compiled here: without bounds on loops, and on matrix units.
    #[arg(long, requires = "library", help_heading = "Model")]
    pub trust_library: bool,
    /// Tokens of the prompt.
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = value::count, help_heading = "Work")]
    pub prompt_tokens: u32,
    /// Prompts of several lengths instead, one after another.
    #[arg(long, value_name = "512,4096", value_delimiter = ',', conflicts_with = "prompt_tokens", value_parser = value::count, help_heading = "Work")]
    pub contexts: Vec<u32>,
    /// Sequences to decode together; each number with each prompt.
    #[arg(long, value_name = "1,4,8", value_delimiter = ',', default_value = "1", value_parser = value::few, help_heading = "Work")]
    pub batches: Vec<u32>,
    /// Tokens of each sequence to decode after its prompt.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Work")]
    pub decode_tokens: u32,
    /// Measure this often, after one round that warms up; the median is printed.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value::count, help_heading = "Work")]
    pub repetitions: u32,
    /// Steps under way at once [default: as many as the engine has].
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..=64), help_heading = "Work")]
    pub run_ahead: Option<u32>,
    /// Draw the ids of answers at this temperature instead of taking the likeliest.
    #[arg(long, value_name = "NUMBER", value_parser = value::temperature, help_heading = "Work")]
    pub temperature: Option<f32>,
    /// Draw among the likeliest ids of this share.
    #[arg(long, value_name = "SHARE", requires = "temperature", default_value_t = 1.0, value_parser = value::share, help_heading = "Work")]
    pub top_p: f32,
    /// Also measure how long a stream waits for tokens while a prompt of so many tokens runs beside it.
    #[arg(long, value_name = "N", value_parser = value::count, help_heading = "Work")]
    pub beside: Option<u32>,
    /// Print JSON, a line for each prompt and batch as soon as it was measured.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub flags: LibraryFlags,
    #[command(flatten)]
    pub device: DeviceFlags,
}

/// `tegula tune`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tegula tune ./llama-1b --budget 600
  tegula tune config.json --spec matmul --records mine.txt
  tegula compile ./llama-1b --records mine.txt -o library.wasm
  tegula tune --report

Records are appended as they are made: a search that was cut short goes on
where it ended when it is started again.")]
pub struct Tune {
    /// Packages or configs whose kernels are measured.
    #[arg(value_name = "MODEL", required_unless_present = "report")]
    pub models: Vec<PathBuf>,
    /// How the weights of a Hugging Face model are stored [default: q4f16_1].
    #[arg(long, value_name = "NAME", value_parser = value::quantization(), help_heading = "Search")]
    pub quantization: Option<String>,
    /// Measure the kernels of libraries with these activations [default: float].
    #[arg(long, value_enum, value_name = "KIND", help_heading = "Search")]
    pub activations: Option<Activations>,
    /// Measure only specs whose key contains this.
    #[arg(long, value_name = "SUBSTRING", help_heading = "Search")]
    pub spec: Option<String>,
    /// Stop after this time, which is divided over the specs [default: as long as it takes].
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds, help_heading = "Search")]
    pub budget: Option<f64>,
    /// Measure specs again that have a record of this device.
    #[arg(long, help_heading = "Search")]
    pub again: bool,
    /// File that records are appended to [default: the device's own in compiler/records, or in the current folder].
    #[arg(long, value_name = "FILE", help_heading = "Records")]
    pub records: Option<PathBuf>,
    /// Print the records of `--records`, or those that come with this program, and measure nothing.
    #[arg(long, help_heading = "Records")]
    pub report: bool,
    /// Write the texts of all candidates to this file, a line of JSON each, and measure nothing.
    #[arg(long, value_name = "FILE", conflicts_with = "report", help_heading = "Records")]
    pub texts: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceFlags,
}
