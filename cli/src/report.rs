//! What people see: progress, sizes, counts, errors. All of it goes to stderr, but for [`print_json`] and what goes through [`print_text`].

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tegula::text::answer::Piece;
pub use tegula_plan::count;

/// A bar over bytes, drawn on stderr if that is a terminal. It erases itself when it is dropped or finished.
pub fn progress(bytes: u64, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    let bar = ProgressBar::new(bytes).with_style(style.expect("the template is a constant and right"));
    bar.set_message(what.to_owned());
    bar
}

/// A number of bytes for people, in the unit that leaves one to four digits before the point.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

/// Tokens a second for people.
pub fn speed(tokens: u64, seconds: f64) -> String {
    if tokens == 0 || seconds <= 0.0 { "-".into() } else { format!("{:.1} tok/s", tokens as f64 / seconds) }
}

/// Writes a line to stderr. That nobody reads it any more is no reason to fail.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes text to stderr as it is streamed. That nobody reads it is no reason to fail.
fn say_text(text: &str) {
    let _ = write!(io::stderr().lock(), "{text}");
}

/// Writes text to stdout at once, as it is streamed.
pub fn print_text(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("cannot write to stdout")
}

/// Shows a piece of an answer as it is streamed: its text on stdout, its reasoning on stderr. Calls are printed when they are whole.
pub fn show(piece: &Piece) -> Result<()> {
    match piece {
        Piece::Content(text) => print_text(text),
        Piece::Reasoning(text) => {
            say_text(text);
            Ok(())
        }
        Piece::Call { .. } | Piece::Arguments { .. } => Ok(()),
    }
}

/// Writes a JSON value and a line end to stdout.
pub fn print_json<T: Serialize>(value: &T) -> Result<()> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    print_text(&line)
}

/// Whether whoever read our output has gone.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}

/// Prints an error and its causes, one a line. A cause that its wrapper has already quoted is left out.
pub fn print_chain(error: &anyhow::Error) {
    let mut last = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if last.is_empty() {
            say(format_args!("error: {text}"));
        } else if !last.contains(&text) {
            say(format_args!("  because: {text}"));
        } else {
            continue;
        }
        last = text;
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, is_broken_pipe, speed};
    use anyhow::Context;

    #[test]
    fn sizes_are_short() {
        assert_eq!([0, 1023, 1024, 5 << 20, (3 << 30) / 2].map(bytes), ["0 B", "1023 B", "1.0 KiB", "5.0 MiB", "1.5 GiB"]);
    }

    #[test]
    fn speed_of_nothing_is_no_number() {
        assert_eq!(speed(10, 4.0), "2.5 tok/s");
        assert_eq!(speed(0, 4.0), "-");
        assert_eq!(speed(10, 0.0), "-");
    }

    #[test]
    fn a_closed_pipe_is_seen_through_what_wraps_it() {
        let error = Err::<(), _>(std::io::Error::from(std::io::ErrorKind::BrokenPipe)).context("writing").unwrap_err();
        assert!(is_broken_pipe(&error));
        assert!(!is_broken_pipe(&anyhow::anyhow!("other")));
    }
}
