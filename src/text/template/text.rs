//! Functions that make texts out of texts, as Python and its Jinja do.

use minijinja::formatting::{FormatStyle, format};
use minijinja::{Error, Value};

use super::arguments::{failed, named};
use super::limits;

/// Where padding goes.
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    Left,
    Right,
    Both,
}

/// A text with padding to a width.
pub fn padded(text: &str, width: usize, fill: char, side: Side) -> Result<String, Error> {
    limits::size(width.saturating_mul(fill.len_utf8()))?;
    let missing = width.saturating_sub(text.chars().count());
    let left = match side {
        Side::Left => missing,
        Side::Right => 0,
        // Where Python puts the odd one.
        Side::Both => missing / 2 + (missing & width & 1),
    };
    let mut out: String = std::iter::repeat_n(fill, left).collect();
    out.push_str(text);
    out.extend(std::iter::repeat_n(fill, missing - left));
    Ok(out)
}

pub fn replaced(text: &str, old: &str, new: &str, count: i64) -> Result<String, Error> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let found = text.matches(old).take(count).count();
    limits::size(text.len().saturating_add(found.saturating_mul(new.len())))?;
    Ok(text.replacen(old, new, count))
}

/// Formats in one of Python's two ways, where no width is too large.
pub fn formatted(style: FormatStyle, text: &str, args: &[Value]) -> Result<String, Error> {
    let mut bytes = text.len();
    let mut numbers = text.split(|char: char| !char.is_ascii_digit()).filter(|digits| !digits.is_empty());
    numbers.try_for_each(|digits| {
        bytes = bytes.saturating_add(digits.parse().unwrap_or(usize::MAX));
        limits::size(bytes)
    })?;
    // Widths may be arguments too.
    let given = match style {
        FormatStyle::Printf => text.contains('*'),
        FormatStyle::StrFormat => text.split('{').skip(1).any(|field| !field.contains('}')),
    };
    let fields = text.matches(['%', '{']).count();
    for value in args {
        let width = if given { i128::try_from(value.clone()).unwrap_or(0) } else { 0 };
        let width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        bytes = bytes.saturating_add(limits::text(value)?.saturating_add(width).saturating_mul(fields));
        limits::size(bytes)?;
    }
    format(style, text, args)
}

pub fn split<'a>(text: &'a str, by: Option<&str>, most: Option<usize>, from_end: bool) -> Vec<&'a str> {
    let mut parts: Vec<&str> = match (by, from_end, most) {
        (Some(by), _, None) => text.split(by).collect(),
        (Some(by), false, Some(most)) => text.splitn(most.saturating_add(1), by).collect(),
        (Some(by), true, Some(most)) => text.rsplitn(most.saturating_add(1), by).collect(),
        (None, _, None) => text.split_whitespace().collect(),
        (None, _, Some(most)) => {
            let trim = |rest: &'a str| if from_end { rest.trim_end() } else { rest.trim_start() };
            let (mut parts, mut rest) = (Vec::new(), trim(text));
            while parts.len() < most && !rest.is_empty() {
                let at = if from_end { rest.rfind(char::is_whitespace) } else { rest.find(char::is_whitespace) };
                let Some(at) = at else { break };
                let width = rest[at..].chars().next().map_or(0, char::len_utf8);
                let (part, left) = if from_end { (&rest[at + width..], &rest[..at]) } else { (&rest[..at], &rest[at..]) };
                parts.push(part);
                rest = trim(left);
            }
            if !rest.is_empty() {
                parts.push(rest);
            }
            parts
        }
    };
    if from_end && most.is_some() {
        parts.reverse();
    }
    parts
}

/// Lines, by all that ends one in Python.
pub fn lines(text: &str, keep: bool) -> Vec<&str> {
    let ends = |char: char| matches!(char, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(ends) {
        let width = if rest[at..].starts_with("\r\n") { 2 } else { rest[at..].chars().next().map_or(0, char::len_utf8) };
        out.push(&rest[..if keep { at + width } else { at }]);
        rest = &rest[at + width..];
    }
    if !rest.is_empty() {
        out.push(rest);
    }
    out
}

/// Jinja's `truncate`: cuts a text to a length, before a word unless told otherwise.
pub fn truncate(text: &str, args: &[Value]) -> Result<String, Error> {
    let [length, kill, end, leeway, ..] = named(args, &["length", "killwords", "end", "leeway"])?;
    let count = |value: Option<Value>, or| value.map_or(Ok(or), usize::try_from);
    let (length, leeway) = (count(length, 255)?, count(leeway, 5)?);
    let end = end.map_or("...".into(), |end| end.to_string());
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(text.to_owned());
    }
    let Some(left) = length.checked_sub(end.chars().count()) else {
        return Err(failed(format!("expected length >= {}, got {length}", end.chars().count())));
    };
    let cut: String = text.chars().take(left).collect();
    let cut = if kill.is_some_and(|kill| kill.is_true()) { &cut } else { cut.rsplit_once(' ').map_or(&*cut, |(cut, _)| cut) };
    Ok(cut.to_owned() + &end)
}
