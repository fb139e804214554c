//! `tegula`: convert, compile, run and measure language models.
//!
//! One module a command, each a function from its arguments to a result; [`open`] turns a package into an engine, which most of them
//! need. Results go to stdout and everything else to stderr, so that output can be piped. Errors are a chain of causes, one a line.

mod args;
mod bench;
mod chat;
mod compile;
mod convert;
mod devices;
mod generate;
mod kernels;
mod library;
mod logits;
mod open;
mod report;
mod run;
mod tokenize;
mod tune;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use args::{Cli, Command};

fn main() -> ExitCode {
    // clap answers wrong usage itself, with exit code 2.
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match cli.command {
        Command::Convert(args) => convert::convert(&args),
        Command::Compile(args) => compile::compile(&args),
        Command::Run(args) => run::run(&args),
        Command::Chat(args) => chat::chat(&args),
        Command::Logits(args) => logits::logits(&args),
        Command::Tokenize(args) => tokenize::tokenize(&args),
        Command::Devices(args) => devices::devices(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Tune(args) => tune::tune(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // `tegula logits … | head` is no failure.
        Err(error) if report::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            report::print_chain(&error);
            ExitCode::FAILURE
        }
    }
}
