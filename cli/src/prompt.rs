//! The prompt of `tegula run`: words, ids, or what stdin brings.

use std::io::{self, IsTerminal, Read};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::args::{self, Run};
use crate::report;

/// The most bytes that stdin may bring: far more than any context holds, and no endless stream.
const MOST_BYTES: u64 = 64 << 20;

/// How long to wait for the end of stdin in silence.
const PATIENCE: Duration = Duration::from_secs(3);

/// What stands for stdin among the words.
const STDIN: &str = "-";

/// A prompt before anything is known of the model.
pub enum Prompt {
    /// Token ids.
    Ids(Vec<u32>),
    /// Text that says something.
    Text(String),
}

/// The prompt of a command line, read to its end.
pub fn of(args: &Run) -> Result<Prompt> {
    if let Some(ids) = &args.prompt_ids {
        return Ok(Prompt::Ids(ids.clone()));
    }
    if let Some(text) = &args.prompt {
        return Ok(Prompt::Text(text.clone()));
    }
    let asks = args.words.iter().filter(|word| *word == STDIN).count();
    if asks > 1 {
        return Err(args::wrong_usage("run", "`-` stands for stdin, which can be read only once").into());
    }
    let is_terminal = io::stdin().is_terminal();
    if is_terminal && args.words.is_empty() {
        return Err(missing("there is no prompt").into());
    }
    if is_terminal && asks == 1 {
        report::say("type the prompt; Ctrl-D on a line of its own ends it");
    }
    let stdin = if asks == 1 || !is_terminal { read(!is_terminal && asks == 0 && !args.words.is_empty())? } else { String::new() };
    let text = join(&args.words, &stdin);
    if text.trim().is_empty() {
        let what = if args.words.iter().all(|word| word == STDIN) { "stdin is empty" } else { "the prompt is empty" };
        return Err(missing(what).into());
    }
    Ok(Prompt::Text(text))
}

/// The words with the text of stdin where `-` is, or before them.
fn join(words: &[String], stdin: &str) -> String {
    let at = words.iter().position(|word| word == STDIN);
    let (before, after) = match at {
        Some(at) => (&words[..at], &words[at + 1..]),
        None => (&words[..0], words),
    };
    let parts = [before.join(" "), stdin.to_owned(), after.join(" ")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn missing(what: &str) -> clap::Error {
    args::wrong_usage(
        "run",
        &format!(
            "{what}\n\n  \
             tegula run MODEL \"Why is the sky blue?\"\n  \
             echo \"Why is the sky blue?\" | tegula run MODEL\n  \
             tegula chat MODEL"
        ),
    )
}

/// Stdin to its end. Where nobody asked for it and it stays open, as that of some services does, it says what it waits for.
fn read(unasked: bool) -> Result<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut bytes);
        // Nobody is left to tell where the program has ended.
        let _ = sender.send(read.map(|_| bytes));
    });
    let read = receiver.recv_timeout(PATIENCE).or_else(|_| {
        if unasked {
            report::say("waiting for the end of stdin, which comes before the prompt; `--prompt TEXT` does not read it");
        }
        receiver.recv()
    });
    match read {
        Ok(Ok(bytes)) => decode(bytes),
        Ok(Err(error)) => bail!("cannot read stdin: {error}"),
        Err(_) => bail!("cannot read stdin"),
    }
}

/// The text in some bytes, without the mark that some editors set before it and the line end after it.
fn decode(bytes: Vec<u8>) -> Result<String> {
    if bytes.len() as u64 > MOST_BYTES {
        bail!("stdin has more than {}, which no context holds", report::bytes(MOST_BYTES));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            bail!(
                "stdin is not UTF-8 text: byte {at} (0x{:02x}) begins no character; convert it, such as with iconv",
                error.as_bytes()[at]
            );
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{decode, join};

    #[test]
    fn stdin_comes_first_or_where_the_dash_is() {
        let of = |words: &[&str], stdin: &str| join(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), stdin);
        assert_eq!(of(&[], "text"), "text");
        assert_eq!(of(&["-"], "text"), "text");
        assert_eq!(of(&["why", "so?"], ""), "why so?");
        assert_eq!(of(&["Sum up:"], "text"), "text\n\nSum up:");
        assert_eq!(of(&["Sum", "up:", "-"], "text"), "Sum up:\n\ntext");
        assert_eq!(of(&["Here:", "-", "Sum up."], "text"), "Here:\n\ntext\n\nSum up.");
        assert_eq!(of(&["-"], ""), "");
    }

    #[test]
    fn one_line_end_is_left_out_and_what_is_no_text_is_refused() {
        let text = |bytes: &[u8]| decode(bytes.to_vec());
        assert_eq!(text(b"hi\n").unwrap(), "hi");
        assert_eq!(text(b"hi\r\n").unwrap(), "hi");
        assert_eq!(text(b" hi\n\n").unwrap(), " hi\n");
        assert_eq!(text("\u{feff}hi".as_bytes()).unwrap(), "hi");
        let error = text(b"hi \xff\xfe").unwrap_err().to_string();
        assert!(error.contains("byte 3 (0xff)") && error.contains("UTF-8"), "{error}");
        assert!(text(b"cut \xe2\x82").unwrap_err().to_string().contains("byte 4 (0xe2)"));
    }
}
