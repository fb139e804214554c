//! The tokens of a WGSL text.
//!
//! Symbols are single characters: `>>` may be a shift or the end of two templates. To find `<=`, look
//! for two symbols side by side.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword.
    Word,
    /// A number with its suffix.
    Number,
    /// A character that is none of these, such as a bracket.
    Symbol,
    /// A comment, to the end of its line or between `/*` and `*/`.
    Comment,
}

/// A token and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// How it reads.
    pub text: &'a str,
    /// Where it begins, in bytes.
    pub start: usize,
}

impl Token<'_> {
    /// Where it ends.
    #[must_use]
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is this word or symbol. A comment is not, however it reads.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.kind != Kind::Comment && self.text == text
    }
}

/// The tokens of a text, comments among them. Any text has tokens, whether it is WGSL or not.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let mut found = Vec::with_capacity(text.len() / 4);
    let mut start = 0;
    while start < bytes.len() {
        let first = bytes[start];
        if first.is_ascii_whitespace() {
            start += 1;
            continue;
        }
        let rest = &bytes[start..];
        let (kind, length) = if rest.starts_with(b"//") {
            (Kind::Comment, rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len()))
        } else if rest.starts_with(b"/*") {
            (Kind::Comment, block_comment(rest))
        } else if first.is_ascii_digit() || (first == b'.' && rest.get(1).is_some_and(u8::is_ascii_digit)) {
            (Kind::Number, number(rest))
        } else if is_word(first) {
            (Kind::Word, rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len()))
        } else {
            (Kind::Symbol, 1)
        };
        found.push(Token { kind, text: &text[start..start + length], start });
        start += length;
    }
    found
}

/// Characters outside ASCII are letters here, as far as anything is asked of them.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The length of a comment that may hold others.
fn block_comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// The length of a number: digits, a point, an exponent, whose sign belongs to it, and a suffix.
fn number(bytes: &[u8]) -> usize {
    let exponent: &[u8] = if bytes.starts_with(b"0x") || bytes.starts_with(b"0X") { b"pP" } else { b"eE" };
    let belongs = |at: usize| {
        let signs = matches!(bytes[at], b'+' | b'-') && exponent.contains(&bytes[at - 1]);
        signs || bytes[at] == b'.' || bytes[at].is_ascii_alphanumeric()
    };
    (1..bytes.len()).find(|at| !belongs(*at)).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        tokens(text).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn texts_fall_into_words_numbers_symbols_and_comments() {
        let text = "let a=x.y*1.5e-3f; // rest\nb>>=0x1e-5u;/* a /* b */ c */c";
        let expected = [
            "let",
            "a",
            "=",
            "x",
            ".",
            "y",
            "*",
            "1.5e-3f",
            ";",
            "// rest",
            "b",
            ">",
            ">",
            "=",
            "0x1e",
            "-",
            "5u",
            ";",
            "/* a /* b */ c */",
            "c",
        ];
        assert_eq!(texts(text), expected);
        for token in tokens(text) {
            assert_eq!(&text[token.start..token.end()], token.text);
        }
        let comment = tokens(text).into_iter().find(|token| token.kind == Kind::Comment).unwrap();
        assert!(!comment.is("// rest"));
    }

    #[test]
    fn no_text_is_refused() {
        assert_eq!(texts(".5 é_1 /* open"), [".5", "é_1", "/* open"]);
        assert_eq!(texts("\u{2028}#\u{fffd}"), ["\u{2028}", "#", "\u{fffd}"]);
        assert_eq!(texts(" \r\n\t"), [""; 0]);
        assert_eq!(texts("/*/"), ["/*/"]);
    }
}
