//! The arguments of `tegula tokenize`, `tegula logits` and `tegula devices`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Model;

/// Which entry works out logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Through {
    // Chunks, logits of every row.
    #[default]
    Prefill,
    // One token at a time.
    Decode,
}

/// `tegula logits`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tegula logits ./llama-1b --ids 128000,791,6864
  tegula logits ./llama-1b --ids \"$(tegula tokenize ./llama-1b 'Hello')\" --json

Without --json a line for each position: its place, then the ids that are
likeliest to come next, each with its logit.")]
pub struct Logits {
    /// Token ids of the prompt.
    #[arg(long, value_name = "1,2,3", value_delimiter = ',', required = true)]
    pub ids: Vec<u32>,
    /// Print JSON: the eight greatest logits of each position, and all of the last.
    #[arg(long)]
    pub json: bool,
    /// Which kernels do the work; the results should be the same.
    #[arg(long, value_enum, default_value_t, hide = true)]
    pub through: Through,
    #[command(flatten)]
    pub model: Model,
}

/// `tegula tokenize`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tegula tokenize ./llama-1b \"Hello, world\"
  tegula tokenize ./llama-1b --decode 9906,11,1917
  tegula tokenize ./llama-1b \"Hello\" --json")]
pub struct Tokenize {
    /// Folder of a weight package, or of a Hugging Face model.
    #[arg(value_name = "MODEL")]
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
#[command(after_help = "\
Examples:
  tegula devices
  tegula run ./llama-1b --device nvidia \"Hello\"

The first is what other commands take; their --device takes a part of a name.")]
pub struct Devices {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
