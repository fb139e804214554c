//! The arguments of `tegula run` and `tegula chat`.

use std::path::PathBuf;

use clap::Args;

use super::{Model, value};

/// How the next token is chosen, and when to stop.
#[derive(Clone, Debug, Default, Args)]
pub struct SamplingFlags {
    /// Stop after this many tokens [default: what the context leaves].
    #[arg(long, value_name = "TOKENS", value_parser = value::count, help_heading = "Answer")]
    pub max_tokens: Option<u32>,
    /// 0 takes the likeliest token; more is more varied [default: the model's].
    #[arg(long, value_name = "NUMBER", value_parser = value::temperature, help_heading = "Answer")]
    pub temperature: Option<f32>,
    /// Choose among the likeliest tokens that together have this probability [default: the model's].
    #[arg(long, value_name = "SHARE", value_parser = value::share, help_heading = "Answer")]
    pub top_p: Option<f32>,
    /// Choose among so many of the likeliest tokens, before --top-p; 0 for no limit [default: the model's].
    #[arg(long, value_name = "TOKENS", help_heading = "Answer")]
    pub top_k: Option<u32>,
    /// Choose among tokens at least this part as likely as the likeliest, after --top-p [default: the model's].
    #[arg(long, value_name = "SHARE", value_parser = value::share, help_heading = "Answer")]
    pub min_p: Option<f32>,
    /// The same seed gives the same answer on the same device [default: a new one each time].
    #[arg(long, value_name = "NUMBER", help_heading = "Answer")]
    pub seed: Option<u64>,
}

/// What the answer must be, and what it may call.
#[derive(Clone, Debug, Default, Args)]
pub struct FormFlags {
    /// Answer with JSON of the schema in this file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["grammar", "regex"], help_heading = "Form")]
    pub json_schema: Option<PathBuf>,
    /// Answer as the grammar in this file has it: Lark, or GBNF as llama.cpp reads it.
    #[arg(long, value_name = "FILE", conflicts_with = "regex", help_heading = "Form")]
    pub grammar: Option<PathBuf>,
    /// Answer with what this regular expression describes.
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true, value_parser = value::text, help_heading = "Form")]
    pub regex: Option<String>,
    /// Offer the tools in this file, a list as OpenAI's API has it; calls are printed as lines of JSON.
    #[arg(long, value_name = "FILE", help_heading = "Form")]
    pub tools: Option<PathBuf>,
}

/// `tegula run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tegula run ./Qwen3-0.6B \"Why is the sky blue?\"
  git diff | tegula run ./Qwen3-0.6B \"Write a commit message for this:\"
  tegula run ./Qwen3-0.6B - < letter.txt
  tegula run ./Qwen3-0.6B \"A haiku, please.\" --max-tokens 40 --temperature 0.7
  tegula run ./llama-1b --raw \"Once upon a time\" --json
  tegula run ./llama-1b \"Name a city.\" --json-schema city.json
  tegula run ./llama-1b \"What is 6 * 7?\" --tools calculator.json

What a pipe or a file brings on stdin comes before PROMPT, with an empty line
between; `-` puts it elsewhere. A line end at its end is left out. Stdin is not
read with --prompt and --prompt-ids.")]
pub struct Run {
    /// What to answer. Without it, or where it says `-`, the text on stdin.
    #[arg(value_name = "PROMPT", index = 2, conflicts_with_all = ["prompt", "prompt_ids"])]
    pub words: Vec<String>,
    /// The prompt, this text and nothing of stdin.
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt_ids", allow_hyphen_values = true, help_heading = "Prompt", value_parser = value::text)]
    pub prompt: Option<String>,
    /// The prompt as token ids, taken as they are; needs no tokenizer.
    #[arg(long, value_name = "1,2,3", value_delimiter = ',', conflicts_with = "tools", help_heading = "Prompt")]
    pub prompt_ids: Option<Vec<u32>>,
    /// Continue the text as it is written instead of answering it: no chat template.
    #[arg(long, conflicts_with = "tools", help_heading = "Prompt")]
    pub raw: bool,
    /// What the model is told before the prompt.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["raw", "prompt_ids"], help_heading = "Prompt")]
    pub system: Option<String>,
    /// Print one JSON object at the end instead of streaming text; with --n, one for each answer.
    #[arg(long)]
    pub json: bool,
    /// So many answers side by side. They draw with the seed and the numbers after it.
    #[arg(long, value_name = "ANSWERS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16), help_heading = "Answer")]
    pub n: u32,
    /// Tell in the JSON how likely the answer's tokens were, and so many of the likeliest in their places.
    #[arg(long, value_name = "TOKENS", num_args = 0..=1, default_missing_value = "0", requires = "json", value_parser = clap::value_parser!(u32).range(0..=20), help_heading = "Answer")]
    pub logprobs: Option<u32>,
    #[command(flatten)]
    pub form: FormFlags,
    #[command(flatten)]
    pub sampling: SamplingFlags,
    #[command(flatten)]
    pub model: Model,
}

/// `tegula chat`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tegula chat ./Qwen3-0.6B
  tegula chat ./Qwen3-0.6B --system \"Answer like a pirate.\" --temperature 0.7
  tegula chat ./llama-1b --context-window-size 8192 --seed 7

/help says what can be typed; Ctrl-C interrupts an answer, Ctrl-D leaves.")]
pub struct Chat {
    /// What the model is told before the first message.
    #[arg(long, value_name = "TEXT", help_heading = "Prompt")]
    pub system: Option<String>,
    #[command(flatten)]
    pub form: FormFlags,
    #[command(flatten)]
    pub sampling: SamplingFlags,
    #[command(flatten)]
    pub model: Model,
}
