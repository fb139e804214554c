//! The command line, declared: what clap parses, checks and prints as help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Convert, compile, run and measure language models on WebGPU.
///
/// Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "tegula", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Turn a Hugging Face folder into a weight package.
    Convert(Convert),
    /// Turn a model's config into a model library, without weights and without a GPU.
    Compile(Compile),
    /// Answer one prompt.
    Run(Run),
    /// Talk with a model.
    Chat(Chat),
    /// Print the logits at every position of a prompt.
    Logits(Logits),
    /// Turn text into token ids, or ids into text.
    Tokenize(Tokenize),
    /// List the adapters of this machine with the features and limits that matter.
    Devices(Devices),
    /// Measure the speed of prefill and decode.
    Bench(Bench),
    /// Find the fastest schedules of a model's kernels on this device.
    Tune(Tune),
}

/// `tegula convert`.
#[derive(Debug, Args)]
pub struct Convert {
    /// Folder with config.json and one or many .safetensors files.
    pub source: PathBuf,
    /// Folder to write; made if it is not there.
    #[arg(short, long, value_name = "PKG")]
    pub output: PathBuf,
    /// How weights are stored: q4f16_1, q4f32_1, q0f16 or q0f32.
    #[arg(long, default_value = "q4f16_1")]
    pub quantization: String,
    /// Round f32 tensors to bf16, as MLC does, even where that loses precision.
    #[arg(long)]
    pub bf16: bool,
}

/// What products of prompts take activations as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Activations {
    /// Floating-point numbers.
    Float,
    /// Signed bytes: less precise, for 4-bit weights only.
    Int8,
}

/// What shapes a model library.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Compilation")]
pub struct LibraryFlags {
    /// The most tokens of a sequence, prompt and answer together [default: the model's].
    #[arg(long, value_name = "TOKENS", alias = "context")]
    pub context_window_size: Option<u32>,
    /// The most prompt tokens of one step [default: 1024].
    #[arg(long, value_name = "TOKENS")]
    pub prefill_chunk_size: Option<u32>,
    /// The most sequences of one step [default: 4].
    #[arg(long, value_name = "SEQUENCES")]
    pub max_batch_size: Option<u32>,
    /// Let attention look back this many tokens only, 0 for all [default: the model's].
    #[arg(long, value_name = "TOKENS")]
    pub sliding_window_size: Option<u32>,
    /// What products of prompts take activations as, a precision of its own [default: float].
    #[arg(long, value_enum)]
    pub activations: Option<Activations>,
    /// Choose kernels by these records of `tegula tune` [default: those that come with this program].
    #[arg(long, value_name = "FILE")]
    pub records: Option<PathBuf>,
}

/// A phase of the compiler that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Emit {
    /// The operations of the model as its architecture states them.
    Graph,
    /// The kernels' specs after fusion.
    Fused,
    /// Dispatches, bindings and memory.
    Plan,
    /// The shader texts.
    Wgsl,
}

/// `tegula compile`.
#[derive(Debug, Args)]
pub struct Compile {
    /// A package folder, a Hugging Face folder, or a config.json or mlc-chat-config.json.
    pub model: PathBuf,
    /// Where to write the library. Without it nothing is written, which goes with `--emit`.
    #[arg(short, long, value_name = "LIB.wasm", required_unless_present = "emit")]
    pub output: Option<PathBuf>,
    /// For a Hugging Face config.json: how its package stores weights [default: q4f16_1].
    #[arg(long)]
    pub quantization: Option<String>,
    /// Print what a phase of the compiler made.
    #[arg(long, value_enum)]
    pub emit: Option<Emit>,
    /// Choose kernels by what was measured on the device of this name [default: good on all that were measured].
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// Fail where nothing was measured instead of taking a default schedule.
    #[arg(long)]
    pub frozen: bool,
    /// The most schedules of a kernel that the library holds for a device to choose among at its first load, where none was measured
    /// on the device that is named; 1 leaves no choice [default: 3].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8))]
    pub alternatives: Option<u32>,
    #[command(flatten)]
    pub library: LibraryFlags,
}

/// Which GPU, and what of it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Device")]
pub struct DeviceFlags {
    /// Use the first adapter whose name contains this (see `tegula devices`).
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
    /// Use only what every WebGPU device has: no optional features, default limits.
    #[arg(long)]
    pub baseline: bool,
}

/// A package, its library and the device that runs it.
#[derive(Clone, Debug, Args)]
pub struct Model {
    /// Folder of a weight package.
    pub package: PathBuf,
    /// A library that `tegula compile` wrote [default: compiled here and cached].
    #[arg(long, value_name = "LIB.wasm", conflicts_with_all = ["context_window_size", "prefill_chunk_size", "max_batch_size", "sliding_window_size", "activations", "records"])]
    pub library: Option<PathBuf>,
    #[command(flatten)]
    pub flags: LibraryFlags,
    #[command(flatten)]
    pub device: DeviceFlags,
}

/// How the next token is chosen, and when to stop.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Sampling")]
pub struct SamplingFlags {
    /// 0 takes the likeliest token; more is more varied [default: the package's].
    #[arg(long)]
    pub temperature: Option<f32>,
    /// Choose among the likeliest tokens that together have this probability [default: the package's].
    #[arg(long)]
    pub top_p: Option<f32>,
    /// Choose among so many of the likeliest tokens, before --top-p; 0 for no limit [default: the package's].
    #[arg(long, value_name = "TOKENS")]
    pub top_k: Option<u32>,
    /// Choose among tokens at least this part as likely as the likeliest, after --top-p [default: the package's].
    #[arg(long)]
    pub min_p: Option<f32>,
    /// The same seed gives the same answer [default: a new one each time].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Stop after this many tokens [default: what the context window leaves].
    #[arg(long, value_name = "TOKENS")]
    pub max_tokens: Option<u32>,
}

/// `tegula run`.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub model: Model,
    /// The prompt.
    #[arg(long, value_name = "TEXT", required_unless_present = "prompt_ids", conflicts_with = "prompt_ids")]
    pub prompt: Option<String>,
    /// The prompt as token ids, taken as they are; needs no tokenizer.
    #[arg(long, value_name = "1,2,3", value_delimiter = ',')]
    pub prompt_ids: Option<Vec<u32>>,
    /// Continue the text instead of answering it: no chat template.
    #[arg(long)]
    pub raw: bool,
    /// What the model is told before the prompt.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["raw", "prompt_ids"])]
    pub system: Option<String>,
    /// Print one JSON object at the end instead of streaming text.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub sampling: SamplingFlags,
}

/// `tegula chat`.
#[derive(Debug, Args)]
pub struct Chat {
    #[command(flatten)]
    pub model: Model,
    /// What the model is told before the first message.
    #[arg(long, value_name = "TEXT")]
    pub system: Option<String>,
    #[command(flatten)]
    pub sampling: SamplingFlags,
}

/// Which entry works out logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Through {
    /// Chunks, logits of every row.
    #[default]
    Prefill,
    /// One token at a time.
    Decode,
}

/// `tegula logits`.
#[derive(Debug, Args)]
pub struct Logits {
    #[command(flatten)]
    pub model: Model,
    /// Token ids of the prompt.
    #[arg(long, value_name = "1,2,3", value_delimiter = ',', required = true)]
    pub ids: Vec<u32>,
    /// Print JSON: the eight greatest logits of each position, and all of the last.
    #[arg(long)]
    pub json: bool,
    /// Which kernels do the work; the results should be the same.
    #[arg(long, value_enum, default_value_t, hide = true)]
    pub through: Through,
}

/// `tegula tokenize`.
#[derive(Debug, Args)]
pub struct Tokenize {
    /// Folder of a weight package, or of a Hugging Face model.
    pub package: PathBuf,
    /// The text.
    #[arg(required_unless_present = "decode", conflicts_with = "decode")]
    pub text: Option<String>,
    /// Turn these ids into text instead.
    #[arg(long, value_name = "1,2,3", value_delimiter = ',')]
    pub decode: Option<Vec<u32>>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `tegula devices`.
#[derive(Debug, Args)]
pub struct Devices {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `tegula bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// A package folder; with `--random-weights` a config.json or mlc-chat-config.json will do.
    pub model: PathBuf,
    /// A library that `tegula compile` wrote [default: compiled here].
    #[arg(long, value_name = "LIB.wasm", conflicts_with_all = ["context_window_size", "prefill_chunk_size", "max_batch_size", "sliding_window_size", "activations", "records"])]
    pub library: Option<PathBuf>,
    /// Fill the weights on the GPU instead of reading them.
    #[arg(long)]
    pub random_weights: bool,
    /// For a Hugging Face config.json: how weights are stored [default: q4f16_1].
    #[arg(long)]
    pub quantization: Option<String>,
    /// Tokens of the prompt.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    pub prompt_tokens: u32,
    /// Prompts of several lengths instead, one after another.
    #[arg(long, value_name = "512,4096", value_delimiter = ',', conflicts_with = "prompt_tokens", value_parser = clap::value_parser!(u32).range(1..))]
    pub contexts: Vec<u32>,
    /// Sequences to decode together; each number with each prompt.
    #[arg(long, value_name = "1,4,8", value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub batches: Vec<u32>,
    /// Tokens of each sequence to decode after its prompt.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub decode_tokens: u32,
    /// Measure this often, after one round that warms up; the median is printed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub repetitions: u32,
    /// Steps under way at once [default: as many as the engine has].
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub run_ahead: Option<u32>,
    /// Draw the ids of answers at this temperature instead of taking the likeliest.
    #[arg(long)]
    pub temperature: Option<f32>,
    /// Draw among the likeliest ids of this share.
    #[arg(long, requires = "temperature", default_value_t = 1.0)]
    pub top_p: f32,
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
pub struct Tune {
    /// Packages or configs whose kernels are measured.
    #[arg(value_name = "CONFIG_OR_PKG", required_unless_present = "report")]
    pub models: Vec<PathBuf>,
    /// For a Hugging Face config.json: how weights are stored [default: q4f16_1].
    #[arg(long)]
    pub quantization: Option<String>,
    /// Measure the kernels of libraries with these activations [default: float].
    #[arg(long, value_enum)]
    pub activations: Option<Activations>,
    /// Measure only specs whose key contains this.
    #[arg(long, value_name = "SUBSTRING")]
    pub spec: Option<String>,
    /// Stop after this time, which is divided over the specs [default: as long as it takes].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub budget: Option<f64>,
    /// File that records are appended to [default: the device's own in compiler/records, or in the current folder].
    #[arg(long, value_name = "FILE")]
    pub records: Option<PathBuf>,
    /// Measure specs again that have a record of this device.
    #[arg(long)]
    pub again: bool,
    /// Print the records of `--records`, or those that come with this program, and measure nothing.
    #[arg(long)]
    pub report: bool,
    /// Write the texts of all candidates to this file, a line of JSON each, and measure nothing.
    #[arg(long, value_name = "FILE", conflicts_with = "report")]
    pub texts: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceFlags,
}

/// A time that is neither negative nor endless.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..1e6).contains(&seconds) { Ok(seconds) } else { Err("not between 0 and a million".into()) }
}

#[cfg(test)]
mod tests {
    use super::{Cli, Command};
    use clap::{CommandFactory, Parser};

    #[test]
    fn declaration_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn ids_are_split_at_commas_and_exclude_text() {
        let parsed = Cli::try_parse_from(["tegula", "run", "PKG", "--prompt-ids", "1,2,3"]).unwrap();
        let Command::Run(run) = parsed.command else { panic!("not run") };
        assert_eq!(run.prompt_ids, Some(vec![1, 2, 3]));
        assert!(Cli::try_parse_from(["tegula", "run", "PKG", "--prompt-ids", "1", "--prompt", "x"]).is_err());
        assert!(Cli::try_parse_from(["tegula", "run", "PKG"]).is_err());
    }

    #[test]
    fn bench_takes_one_prompt_or_a_list() {
        let bench = |args: &[&str]| {
            let parsed = Cli::try_parse_from([&["tegula", "bench", "CONFIG"], args].concat()).ok()?;
            let Command::Bench(bench) = parsed.command else { panic!("not bench") };
            Some((bench.prompt_tokens, bench.contexts, bench.batches))
        };
        assert_eq!(bench(&[]), Some((512, vec![], vec![1])));
        assert_eq!(bench(&["--contexts", "512,4096", "--batches", "1,4,8"]), Some((512, vec![512, 4096], vec![1, 4, 8])));
        assert_eq!(bench(&["--contexts", "512", "--prompt-tokens", "512"]), None);
        assert_eq!(bench(&["--batches", "0"]), None);
    }

    #[test]
    fn a_compiled_library_excludes_what_would_shape_it() {
        assert!(Cli::try_parse_from(["tegula", "logits", "PKG", "--ids", "1", "--library", "L", "--prefill-chunk-size", "8"]).is_err());
        assert!(Cli::try_parse_from(["tegula", "bench", "PKG", "--library", "L", "--activations", "int8"]).is_err());
        assert!(Cli::try_parse_from(["tegula", "bench", "PKG", "--activations", "int4"]).is_err());
    }
}
