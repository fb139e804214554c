//! `tegula`: convert, compile, run and measure language models.
//!
//! One module a command, each a function from its arguments to a result; [`open`] turns a package into an engine, which most of them
//! need. Results go to stdout and everything else to stderr, so that output can be piped. Errors are a chain of causes, one a line.

// It panics where nobody reads stderr any more; `report::say` does not.
#![warn(clippy::print_stderr)]

mod args;
mod bench;
mod chat;
mod compile;
mod convert;
mod devices;
mod form;
mod generate;
mod interrupt;
mod kernels;
mod library;
mod logits;
mod models;
mod open;
mod origin;
mod package;
mod prompt;
mod quiet;
mod report;
mod run;
mod serve;
mod source;
mod tokenize;
mod transcript;
mod tune;

use std::env;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::FromArgMatches;
use tracing_subscriber::EnvFilter;

use args::{Cli, Command};

fn main() -> ExitCode {
    quiet::drivers();
    // clap answers wrong usage itself, with exit code 2.
    let cli = Cli::from_arg_matches(&args::command().get_matches()).unwrap_or_else(|error| error.exit());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    let colours = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(io::stderr).init();
    let done = match cli.command {
        Command::Convert(args) => convert::convert(&args),
        Command::Compile(args) => compile::compile(&args),
        Command::Models(args) => models::models(&args),
        Command::Run(args) => run::run(&args),
        Command::Chat(args) => chat::chat(&args),
        Command::Serve(args) => serve::serve(&args),
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
        Err(error) => match error.downcast_ref::<clap::Error>() {
            Some(usage) => usage.exit(),
            None if convert::is_interrupted(&error) => {
                report::say("interrupted: nothing was written");
                ExitCode::from(interrupt::EXIT_CODE)
            }
            None => {
                report::print_chain(&error);
                ExitCode::FAILURE
            }
        },
    }
}
