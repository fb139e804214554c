//! `tegula chat`: a conversation at the terminal.

use std::sync::atomic::Ordering;

use anyhow::{Context, Result};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use tegula::text::message::Message;

use crate::args::Chat;
use crate::generate::{self, Answer};
use crate::interrupt::Watch;
use crate::open::Opening;
use crate::report;

/// What a line that starts with a slash can be.
const HELP: &str = "/reset forgets the conversation, /stats says how fast the last answer was, /exit or Ctrl-D leaves.\n\
                    Ctrl-C interrupts an answer; what it has said so far stays in the conversation.";

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Say(&'a str),
    Nothing,
    Help,
    Reset,
    Stats,
    Exit,
    Unknown(&'a str),
}

impl Line<'_> {
    fn parse(line: &str) -> Line<'_> {
        match line.trim() {
            "" => Line::Nothing,
            "/help" => Line::Help,
            "/reset" => Line::Reset,
            "/stats" => Line::Stats,
            "/exit" | "/quit" => Line::Exit,
            command if command.starts_with('/') => Line::Unknown(command),
            text => Line::Say(text),
        }
    }
}

/// Reads lines and answers them until the user leaves.
pub fn chat(args: &Chat) -> Result<()> {
    let opening = Opening::begin(&args.model)?;
    // A package that cannot write a conversation says so now, not after the first line.
    opening.tokenize(&generate::chat(vec![Message::new("user", "")])).context("cannot chat; `tegula run --raw` continues any text")?;
    let opened = opening.load()?;
    report::say(opened.summary());
    let mut served = opened.host()?;

    // Only from here on: while the model loads, Ctrl-C ends the program as usual. While a line is edited the terminal does not send the
    // signal, and the editor says that the key was pressed.
    let watch = Watch::begin()?;
    let interrupted = watch.flag();

    let system = || args.system.iter().map(|text| Message::new("system", text)).collect::<Vec<_>>();
    let mut messages = system();
    let mut last: Option<Answer> = None;
    let mut editor = DefaultEditor::new()?;
    report::say(format_args!("{HELP}\n"));
    loop {
        let line = match editor.readline("> ") {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => {
                report::say("Ctrl-D or /exit leaves.");
                continue;
            }
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(error).context("cannot read a line"),
        };
        match Line::parse(&line) {
            Line::Nothing => {}
            Line::Help => report::say(HELP),
            Line::Exit => return Ok(()),
            Line::Unknown(command) => report::say(format_args!("There is no {command}. {HELP}")),
            Line::Stats => report::say(last.as_ref().map_or("Nothing was answered yet.".into(), Answer::statistics)),
            Line::Reset => messages = system(),
            Line::Say(text) => {
                editor.add_history_entry(text)?;
                messages.push(Message::new("user", text));
                interrupted.store(false, Ordering::Relaxed);
                let request = generate::request(generate::chat(messages.clone()), served.intake.config(), &args.sampling);
                match generate::generate(&mut served, request, interrupted, report::print_text) {
                    Ok(answer) => {
                        messages.push(Message::new("assistant", &answer.text));
                        last = Some(answer);
                    }
                    // Such as a conversation that has outgrown the context window: the user can still do something about it.
                    Err(error) => {
                        messages.pop();
                        report::print_chain(&error);
                    }
                }
                report::print_text("\n\n")?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn a_slash_starts_a_command() {
        assert_eq!(Line::parse(" /reset "), Line::Reset);
        assert_eq!(Line::parse("/rest"), Line::Unknown("/rest"));
        assert_eq!(Line::parse("  "), Line::Nothing);
        assert_eq!(Line::parse("a/b"), Line::Say("a/b"));
    }
}
