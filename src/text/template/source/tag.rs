//! Tags of a template, read from the name to the end: how deep their expressions go, and where the scan has something to add.

use super::Scan;
use crate::text::template::expression::{is_word, operand, quoted};
use crate::text::template::limits::{self, Failure};

/// Most operators and brackets around or before one in an expression. Real ones have up to 27.
const EXPRESSION: usize = 120;

/// What the scan sees of a tag.
#[derive(Default)]
pub(super) struct Tag {
    /// The end of what is in it, and of it.
    pub(super) inner: usize,
    pub(super) end: usize,
    /// The assignment of `set`.
    pub(super) assign: Option<usize>,
    /// The condition of `for`.
    pub(super) condition: Option<usize>,
    /// Names in the first brackets: the arguments of a macro.
    pub(super) arguments: Vec<(usize, usize)>,
    /// Names before `=`: what `with` binds.
    pub(super) bound: Vec<(usize, usize)>,
}

impl Scan<'_> {
    /// Reads to the end of a tag.
    pub(super) fn read(&mut self, start: usize, end: &str) -> Result<Tag, Failure> {
        let text = self.text;
        let bytes = text.as_bytes();
        let mut tag = Tag { inner: bytes.len(), end: bytes.len(), ..Tag::default() };
        // Operators before and around, by bracket. A comma begins anew.
        let mut levels = vec![0];
        let mut word = (0, 0);
        let mut before = b' ';
        let mut product = false;
        let mut groups = 0;
        let mut at = start;
        while at < bytes.len() {
            let byte = bytes[at];
            let signed = matches!(byte, b'-' | b'+') && self.text[at + 1..].starts_with(end);
            if levels.len() == 1 && (signed || bytes[at..].starts_with(end.as_bytes())) {
                let inner = at;
                at += usize::from(signed) + 2;
                return Ok(Tag { inner, end: at, ..tag });
            }
            let depth = levels.len();
            let around = if depth > 1 { levels[depth - 2] + 1 } else { 0 };
            let level = levels.last_mut().expect("the first level stays");
            match byte {
                b'\'' | b'"' => {
                    at = quoted(text, at) - 1;
                }
                _ if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 => {
                    let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_' || **byte >= 0x80);
                    word = (at, at + length.count());
                    let text = &self.text[word.0..word.1];
                    *level += usize::from(matches!(text, "and" | "or" | "not" | "if" | "else" | "is" | "in"));
                    if depth == 1 && text == "if" && tag.condition.is_none() {
                        tag.condition = Some(word.1);
                    }
                    if depth == 2 && groups == 1 && matches!(before, b'(' | b',') {
                        tag.arguments.push(word);
                    }
                    at = word.1 - 1;
                }
                b'(' | b'[' | b'{' => {
                    let inside = *level + 1;
                    groups += usize::from(depth == 1);
                    levels.push(inside);
                }
                b')' | b']' | b'}' if depth > 1 => {
                    levels.pop();
                    *levels.last_mut().expect("there were two") += 1;
                }
                b',' => *level = around,
                b'=' if depth == 1 && bytes.get(at + 1) != Some(&b'=') && !matches!(before, b'=' | b'<' | b'>' | b'!') => {
                    tag.assign = tag.assign.or(Some(at));
                    tag.bound.push(word);
                }
                // The engine has no `%` for texts, so that it becomes a filter, which knows numbers
                // too. Behind a sign or in a product, which a filter would take apart, it stays.
                b'%' if !product => {
                    *level += 1;
                    self.edit(at, 1, "| tegula_percent(");
                    self.edit(operand(text, at + 1), 0, ")");
                }
                b'|' => {
                    *level += 1;
                    let name = text[at + 1..].trim_start();
                    let name = name.split(|char| !is_word(char)).next().unwrap_or_default();
                    if limits::TAKING_ALL.contains(&name) {
                        let as_text = matches!(name, "string" | "pprint");
                        self.edit(at + 1, 0, if as_text { " tegula_many(1) |" } else { " tegula_many |" });
                    }
                }
                byte if byte.is_ascii_whitespace() => {}
                _ => *level += 1,
            }
            let deepest = levels.last().copied().unwrap_or_default();
            self.bound("operators and brackets in each other", deepest, EXPRESSION)?;
            if !byte.is_ascii_whitespace() {
                let value = matches!(byte, b'\'' | b'"' | b'.' | b'|' | b')' | b']' | b'}') || byte == b'_' || byte.is_ascii_alphanumeric();
                product = matches!(byte, b'*' | b'/' | b'-' | b'+') || product && (value || byte == b'%' || byte >= 0x80);
                before = byte;
            }
            at += 1;
        }
        Ok(tag)
    }
}
