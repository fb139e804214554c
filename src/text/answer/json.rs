//! Follows a JSON value character by character, so that it can be passed on while it is written and its end is known at once.
//!
//! It accepts what JSON accepts, and line breaks within texts, which models write. Those it passes on escaped, so the result is JSON.

use super::step::Step;

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    Value,
    /// A value or the end of a list that is still empty.
    FirstValue,
    Key,
    /// A member's name or the end of an object that is still empty.
    FirstKey,
    Colon,
    /// A comma or an end.
    After,
    /// The rest of a text, which is a member's name or not.
    Text(bool),
    Escape(bool),
    /// Hexadecimal digits that are missing.
    Hex(bool, u8),
    /// The rest of a word.
    Word(&'static str),
    Number(Digits),
}

/// Where in a number it is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Digits {
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    Exponent,
    Sign,
    Power,
}

/// A value that is being read.
#[derive(Debug)]
pub(super) struct Json {
    next: Next,
    /// The lists (`false`) and objects (`true`) that are open.
    open: Vec<bool>,
}

impl Json {
    pub(super) fn new() -> Json {
        Json { next: Next::Value, open: Vec::new() }
    }

    /// Takes a character. If it belongs to the value, `out` gets it.
    pub(super) fn push(&mut self, c: char, out: &mut String) -> Step {
        let step = self.advance(c);
        if matches!(step, Step::More | Step::Done) {
            match c {
                _ if c >= ' ' || !matches!(self.next, Next::Text(_)) => out.push(c),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                _ => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            }
        }
        step
    }

    /// A text is open.
    pub(super) fn is_within_text(&self) -> bool {
        matches!(self.next, Next::Text(_) | Next::Escape(_) | Next::Hex(..))
    }

    fn advance(&mut self, c: char) -> Step {
        let space = matches!(c, ' ' | '\n' | '\r' | '\t');
        self.next = match (self.next, c) {
            (Next::Text(key), '"') if key => Next::Colon,
            (Next::Text(_), '"') => return self.ended(),
            (Next::Text(key), '\\') => Next::Escape(key),
            (Next::Text(key), _) => Next::Text(key),
            (Next::Escape(key), 'u') => Next::Hex(key, 4),
            (Next::Escape(key), '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => Next::Text(key),
            (Next::Hex(key, left), _) if c.is_ascii_hexdigit() => {
                if left > 1 {
                    Next::Hex(key, left - 1)
                } else {
                    Next::Text(key)
                }
            }
            (Next::Word(rest), _) if rest.starts_with(c) => match &rest[1..] {
                "" => return self.ended(),
                rest => Next::Word(rest),
            },
            (Next::Number(digits), _) => match digits.then(c) {
                Some(digits) => Next::Number(digits),
                None if digits.whole() => return self.after_number(c),
                None => return Step::Fail,
            },
            (next, _) if space && !matches!(next, Next::Escape(_) | Next::Hex(..) | Next::Word(_)) => next,
            (Next::Value | Next::FirstValue, '{') => {
                self.open.push(true);
                Next::FirstKey
            }
            (Next::Value | Next::FirstValue, '[') => {
                self.open.push(false);
                Next::FirstValue
            }
            (Next::Value | Next::FirstValue, '"') => Next::Text(false),
            (Next::Value | Next::FirstValue, 't') => Next::Word("rue"),
            (Next::Value | Next::FirstValue, 'f') => Next::Word("alse"),
            (Next::Value | Next::FirstValue, 'n') => Next::Word("ull"),
            (Next::Value | Next::FirstValue, '-') => Next::Number(Digits::Minus),
            (Next::Value | Next::FirstValue, '0') => Next::Number(Digits::Zero),
            (Next::Value | Next::FirstValue, '1'..='9') => Next::Number(Digits::Whole),
            (Next::Key | Next::FirstKey, '"') => Next::Text(true),
            (Next::Colon, ':') => Next::Value,
            (Next::After, ',') => {
                if self.open.last() == Some(&true) {
                    Next::Key
                } else {
                    Next::Value
                }
            }
            (Next::After | Next::FirstKey, '}') if self.open.last() == Some(&true) => return self.close(),
            (Next::After | Next::FirstValue, ']') if self.open.last() == Some(&false) => return self.close(),
            _ => return Step::Fail,
        };
        Step::More
    }

    fn close(&mut self) -> Step {
        self.open.pop();
        self.ended()
    }

    /// A value has ended.
    fn ended(&mut self) -> Step {
        self.next = Next::After;
        if self.open.is_empty() { Step::Done } else { Step::More }
    }

    /// Only what follows a number says that it has ended.
    fn after_number(&mut self, c: char) -> Step {
        if self.ended() == Step::Done { Step::Before } else { self.advance(c) }
    }
}

impl Digits {
    fn then(self, c: char) -> Option<Digits> {
        Some(match (self, c) {
            (Digits::Minus, '0') => Digits::Zero,
            (Digits::Minus | Digits::Whole, '0'..='9') => Digits::Whole,
            (Digits::Zero | Digits::Whole, '.') => Digits::Point,
            (Digits::Point | Digits::Fraction, '0'..='9') => Digits::Fraction,
            (Digits::Zero | Digits::Whole | Digits::Fraction, 'e' | 'E') => Digits::Exponent,
            (Digits::Exponent, '+' | '-') => Digits::Sign,
            (Digits::Exponent | Digits::Sign | Digits::Power, '0'..='9') => Digits::Power,
            _ => return None,
        })
    }

    /// The number may end here.
    fn whole(self) -> bool {
        matches!(self, Digits::Zero | Digits::Whole | Digits::Fraction | Digits::Power)
    }
}
