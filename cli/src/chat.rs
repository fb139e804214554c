//! `tegula chat`: a conversation at the terminal.

use std::sync::atomic::Ordering;

use anyhow::{Context, Result};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use tegula::text::message::Message;

use crate::args::{Chat, SamplingFlags};
use crate::form::Form;
use crate::generate::{self, Answer};
use crate::interrupt::Watch;
use crate::open::{Opening, Served};
use crate::report;
use crate::transcript::Transcript;

/// What a line that starts with a slash can be.
const HELP: &str = "/retry answers again, /undo takes the last question back, /reset forgets the conversation.\n\
                    /system TEXT says what the model is told before; without a text it is told nothing.\n\
                    /tool TEXT gives the result of a tool that was called; the answer goes on when all have one.\n\
                    /save FILE and /load FILE keep the conversation as JSON. /stats says how fast the last answer was.\n\
                    /exit or Ctrl-D leaves. Ctrl-C interrupts an answer; what it has said so far stays in the conversation.";

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Say(&'a str),
    Nothing,
    Help,
    Retry,
    Undo,
    Reset,
    System(&'a str),
    Tool(&'a str),
    Save(&'a str),
    Load(&'a str),
    Stats,
    Exit,
    Unknown(&'a str),
}

impl Line<'_> {
    fn parse(line: &str) -> Line<'_> {
        let line = line.trim();
        let (command, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(command, rest)| (command, rest.trim()));
        match (command, rest) {
            ("", _) => Line::Nothing,
            ("/help", "") => Line::Help,
            ("/retry", "") => Line::Retry,
            ("/undo", "") => Line::Undo,
            ("/reset", "") => Line::Reset,
            ("/system", text) => Line::System(text),
            ("/tool", text) => Line::Tool(text),
            ("/save", file) if !file.is_empty() => Line::Save(file),
            ("/load", file) if !file.is_empty() => Line::Load(file),
            ("/stats", "") => Line::Stats,
            ("/exit" | "/quit", "") => Line::Exit,
            _ if command.starts_with('/') => Line::Unknown(line),
            _ => Line::Say(line),
        }
    }
}

/// Reads lines and answers them until the user leaves.
pub fn chat(args: &Chat) -> Result<()> {
    let form = Form::read(&args.form)?;
    let opening = Opening::begin(&args.model)?;
    // A package that cannot write a conversation says so now, not after the first line.
    opening
        .tokenize(&generate::chat(vec![Message::new("user", "")], &form))
        .context("cannot chat; `tegula run --raw` continues any text")?;
    let opened = opening.load()?;
    report::say(opened.summary());
    let mut served = opened.host()?;

    // Only from here on: while the model loads, Ctrl-C ends the program as usual. While a line is edited the terminal does not send the
    // signal, and the editor says that the key was pressed.
    let watch = Watch::begin()?;
    let mut transcript = Transcript::new(args.system.as_deref());
    let mut sampling = args.sampling.clone();
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
        if !line.trim().is_empty() {
            editor.add_history_entry(line.trim())?;
        }
        match Line::parse(&line) {
            Line::Nothing => {}
            Line::Help => report::say(HELP),
            Line::Exit => return Ok(()),
            Line::Unknown(command) => report::say(format_args!("There is no {command}. {HELP}")),
            Line::Stats => report::say(last.as_ref().map_or("Nothing was answered yet.".into(), Answer::statistics)),
            Line::Reset => transcript.reset(),
            Line::System(text) => transcript.instruct(text),
            Line::Undo if !transcript.undo() => report::say("There is no question to take back."),
            Line::Undo => {}
            Line::Save(file) => tell(transcript.save(file.as_ref()).map(|count| format!("{} saved", report::count(count, "message")))),
            Line::Load(file) => tell(transcript.load(file.as_ref()).map(|count| format!("{} loaded", report::count(count, "message")))),
            Line::Retry if !transcript.reopen() => report::say("There is no question to answer again."),
            Line::Retry => {
                // The same seed would give the same answer.
                sampling.seed = sampling.seed.map(|seed| seed.wrapping_add(1));
                last = answer(&mut served, &mut transcript, &form, &sampling, &watch)?.or(last);
            }
            Line::Tool(text) => match transcript.result(text) {
                None => report::say("No call waits for a result."),
                Some(0) => last = answer(&mut served, &mut transcript, &form, &sampling, &watch)?.or(last),
                Some(open) => report::say(format_args!("{} without a result.", report::count(open, "call"))),
            },
            Line::Say(text) => {
                transcript.ask(text);
                last = answer(&mut served, &mut transcript, &form, &sampling, &watch)?.or(last);
            }
        }
    }
}

/// Answers the question that the conversation ends with. If that fails, the question is taken back: the conversation may have outgrown the
/// context window, and the user can still do something about it.
fn answer(
    served: &mut Served,
    transcript: &mut Transcript,
    form: &Form,
    sampling: &SamplingFlags,
    watch: &Watch,
) -> Result<Option<Answer>> {
    let interrupted = watch.flag();
    interrupted.store(false, Ordering::Relaxed);
    let prompt = generate::chat(transcript.messages().to_vec(), form);
    let request = generate::request(prompt, served.intake.config(), form, sampling);
    let answered = generate::generate(served, request, interrupted, report::show);
    let answer = match answered {
        Ok(answer) => {
            transcript.answer(&answer.text, &answer.calls);
            for (place, call) in answer.calls.iter().enumerate() {
                report::print_text(if place > 0 || answer.text.is_empty() { "" } else { "\n" })?;
                report::print_json(call)?;
            }
            Some(answer)
        }
        Err(error) => {
            transcript.undo();
            report::print_chain(&error);
            None
        }
    };
    report::print_text("\n\n")?;
    Ok(answer)
}

/// Says what became of a file.
fn tell(outcome: Result<String>) {
    match outcome {
        Ok(text) => report::say(text),
        Err(error) => report::print_chain(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn a_slash_starts_a_command() {
        assert_eq!(Line::parse(" /reset "), Line::Reset);
        assert_eq!(Line::parse("/rest"), Line::Unknown("/rest"));
        assert_eq!(Line::parse("/save"), Line::Unknown("/save"));
        assert_eq!(Line::parse("/save  my talk.json"), Line::Save("my talk.json"));
        assert_eq!([Line::parse("/system"), Line::parse("/system Be brief.")], [Line::System(""), Line::System("Be brief.")]);
        assert_eq!(Line::parse("  "), Line::Nothing);
        assert_eq!(Line::parse("a/b c"), Line::Say("a/b c"));
    }
}
