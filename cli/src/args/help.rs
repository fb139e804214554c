//! The first page of help. Its commands are in groups, which clap does not have. Complaints about usage have clap's own form.

use std::fmt::Write;

use clap::builder::{StyledStr, Styles};
use clap::error::{Error, ErrorKind};
use clap::{Arg, Command, CommandFactory};

use super::Cli;

/// Which commands belong together. A test makes sure that each is in one group.
pub(super) const GROUPS: [(&str, &[&str]); 4] = [
    ("Talk to a model", &["run", "chat", "serve"]),
    ("Make packages and libraries", &["convert", "compile", "models"]),
    ("Look inside", &["tokenize", "logits"]),
    ("Devices and speed", &["devices", "bench", "tune"]),
];

/// What stands below the options.
const END: &str = "\
A first minute:
  tegula devices
  tegula run ./Qwen3-0.6B \"Why is the sky blue?\"
  tegula chat ./Qwen3-0.6B

A model is a folder: a weight package, or one of Hugging Face with config.json
and .safetensors files, which is converted once and kept.

`tegula help COMMAND` says more about a command. Results go to stdout, and
everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// The command line as clap knows it.
pub fn command() -> Command {
    // A number below zero is a wrong value, and no unknown flag.
    let numbers = |arg: Arg| {
        let takes_values = arg.get_action().takes_values();
        arg.allow_negative_numbers(takes_values)
    };
    let command = Cli::command().mut_subcommands(|sub| {
        let end = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
        sub.mut_args(numbers).after_help(headed(&end))
    });
    let template = template(&command);
    command.help_template(template).after_help(headed(END))
}

/// A complaint about how a command was used, with its usage: exit code 2.
pub fn wrong_usage(name: &str, complaint: &str) -> Error {
    let mut command = command();
    command.build();
    let found = command.find_subcommand_mut(name).expect("a command of this program");
    found.error(ErrorKind::MissingRequiredArgument, complaint)
}

/// A text whose first line is a heading, in clap's style.
fn headed(text: &str) -> StyledStr {
    let styles = Styles::styled();
    let header = styles.get_header();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    format!("{header}{first}{header:#}\n{rest}").into()
}

/// clap's own page, with a list for each group in the place of one for all.
fn template(command: &Command) -> StyledStr {
    let styles = Styles::styled();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    for (title, names) in GROUPS {
        let _ = writeln!(text, "\n{header}{title}:{header:#}");
        for name in names {
            let about = command.find_subcommand(name).and_then(Command::get_about).cloned().unwrap_or_default();
            let _ = writeln!(text, "  {literal}{name:<9}{literal:#} {about}");
        }
    }
    let _ = write!(text, "\n{header}Options:{header:#}\n{{options}}{{after-help}}");
    text.into()
}
