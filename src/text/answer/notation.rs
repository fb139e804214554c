//! Reads values as programming languages write them: Python's literals, and Gemma's notation with bare names and marked texts.

use serde_json::{Map, Value};

use super::shape::{Dialect, PYTHON};
use super::value::typed;

/// Lists and objects within each other beyond this are not read.
const DEEPEST: usize = 64;

/// The arguments of a call, from the text between its brackets. `schema` gives what an argument should be.
pub(super) fn arguments<'a>(text: &str, dialect: &Dialect, schema: impl Fn(&str) -> Option<&'a Value>) -> Option<Map<String, Value>> {
    let mut reader = Reader { rest: text, dialect };
    let mut members = Map::new();
    reader.space();
    while !reader.rest.is_empty() {
        let key = reader.name(dialect.assign)?;
        let value = reader.value(0, schema(&key))?;
        members.insert(key, value);
        if !reader.take(',') && !reader.rest.is_empty() {
            return None;
        }
        reader.space();
    }
    Some(members)
}

/// A list or an object that is written in Python. Some templates write those in tags, where others write JSON.
pub(super) fn python(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text, dialect: &PYTHON };
    let value = reader.value(0, None)?;
    reader.space();
    (reader.rest.is_empty() && (value.is_array() || value.is_object())).then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
    dialect: &'a Dialect,
}

impl<'a> Reader<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes the character if it comes next, spaces aside.
    fn take(&mut self, c: char) -> bool {
        self.space();
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes all before the first of the characters.
    fn until(&mut self, ends: &[char]) -> &'a str {
        let at = self.rest.find(ends).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(at);
        self.rest = rest;
        text.trim()
    }

    /// A member's name and the character after it.
    fn name(&mut self, assign: char) -> Option<String> {
        let name = match self.text() {
            Some(name) => name?,
            None => Some(self.until(&[assign, ',', '(', ')', '[', ']', '{', '}'])).filter(|name| !name.is_empty())?.to_string(),
        };
        self.take(assign).then_some(name)
    }

    /// A text in quotes or markers. The outer `None`: it does not begin with one. The inner: it does not end.
    fn text(&mut self) -> Option<Option<String>> {
        self.space();
        let quote = self.dialect.quote;
        if let Some(rest) = self.rest.strip_prefix(quote).filter(|_| !quote.is_empty()) {
            let Some((text, rest)) = rest.split_once(quote) else { return Some(None) };
            self.rest = rest;
            return Some(Some(text.to_string()));
        }
        let quote = self.rest.chars().next().filter(|&c| c == '"' || c == '\'' && !self.dialect.bare_keys)?;
        Some(self.quoted(quote))
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest[1..].chars();
        while let Some(c) = chars.next() {
            match c {
                _ if c == quote => {
                    self.rest = chars.as_str();
                    return Some(text);
                }
                '\\' => match chars.next()? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'x' => text.push(char::from_u32(hexadecimal(&mut chars, 2)?)?),
                    'u' => text.push(unicode(&mut chars)?),
                    c @ ('\\' | '\'' | '"' | '/') => text.push(c),
                    '\n' => {}
                    c => text.extend(['\\', c]),
                },
                c => text.push(c),
            }
        }
        None
    }

    fn value(&mut self, depth: usize, schema: Option<&Value>) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        if let Some(text) = self.text() {
            return text.map(Value::String);
        }
        if self.take('[') {
            return self.list(']', depth);
        }
        if !self.dialect.bare_keys && self.take('(') {
            return self.list(')', depth);
        }
        if self.take('{') {
            let mut members = Map::new();
            while !self.take('}') {
                let name = self.name(':')?;
                let value = self.value(depth + 1, schema.and_then(|schema| schema.get("properties")?.get(&name)))?;
                members.insert(name, value);
                if !self.take(',') && !self.rest.starts_with('}') {
                    return None;
                }
            }
            return Some(Value::Object(members));
        }
        let word = self.until(&[',', ')', ']', '}', '(', '[', '{']);
        if word.is_empty() {
            return None;
        }
        let value = typed(word, schema);
        // In Python a bare word is a variable, which nobody knows here.
        let variable = value.is_string() && !self.dialect.bare_keys && !word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        (!variable).then_some(value)
    }

    fn list(&mut self, end: char, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        while !self.take(end) {
            items.push(self.value(depth + 1, None)?);
            if !self.take(',') && !self.rest.starts_with(end) {
                return None;
            }
        }
        Some(Value::Array(items))
    }
}

fn hexadecimal(chars: &mut std::str::Chars, digits: usize) -> Option<u32> {
    (0..digits).try_fold(0, |number, _| Some(number * 16 + chars.next()?.to_digit(16)?))
}

/// The character of `\u` and four digits, or of two such where they are halves of one.
fn unicode(chars: &mut std::str::Chars) -> Option<char> {
    let high = hexadecimal(chars, 4)?;
    if !(0xd800..0xdc00).contains(&high) {
        return char::from_u32(high);
    }
    let low = (chars.next()? == '\\' && chars.next()? == 'u').then(|| hexadecimal(chars, 4))??;
    char::from_u32(0x10000 + ((high - 0xd800) << 10) + low.checked_sub(0xdc00)?)
}
