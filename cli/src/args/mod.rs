//! The command line, declared: what clap parses, checks and prints as help.
//!
//! Commands are in files by what they do. [`model`] has the flags that many share, [`value`] the values that flags may have. A value that
//! can be refused without a model is refused here, before anything is read.

mod answer;
mod help;
mod inspect;
mod make;
mod measure;
mod model;
mod serve;
mod value;

use clap::{Parser, Subcommand};

pub use answer::{Chat, FormFlags, Run, SamplingFlags};
pub use help::{command, wrong_usage};
pub use inspect::{Devices, Logits, Through, Tokenize};
pub use make::{Compile, Convert, Emit, Models};
pub use measure::{Bench, Tune};
pub use model::{Activations, DeviceFlags, LibraryFlags, Model, Precision};
pub use serve::Serve;

/// Convert, compile, run and measure language models on WebGPU.
#[derive(Debug, Parser)]
#[command(name = "tegula", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands. [`help`] says which belong together.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer one prompt.
    Run(Run),
    /// Talk with a model.
    Chat(Chat),
    /// Answer requests of OpenAI's API over HTTP.
    Serve(Serve),
    /// Turn a Hugging Face folder into a weight package.
    Convert(Convert),
    /// Turn a model's config into a model library; no weights needed.
    Compile(Compile),
    /// List the models that are supported.
    Models(Models),
    /// Turn text into token ids, or ids into text.
    Tokenize(Tokenize),
    /// Print the logits at every position of a prompt.
    Logits(Logits),
    /// List the GPUs of this machine, and what of them matters.
    Devices(Devices),
    /// Measure the speed of prefill and decode.
    Bench(Bench),
    /// Find the fastest schedules of a model's kernels on this device.
    Tune(Tune),
}

#[cfg(test)]
mod tests;
