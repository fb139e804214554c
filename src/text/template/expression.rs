//! The pieces of an expression, as far as they are told apart without parsing: words, quoted texts, brackets, operands.

pub(super) fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The end of a quoted text.
pub(super) fn quoted(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != bytes[start] {
        at += 1 + usize::from(bytes[at] == b'\\');
    }
    (at + 1).min(bytes.len())
}

/// The end of a value and of what is behind it: members, calls and filters.
pub(super) fn operand(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let blank = |at: usize| at + bytes[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let word = |at: usize| at + text[at..].find(|char| !is_word(char)).unwrap_or(text.len() - at);
    let mut at = start;
    // Powers bind before `%` does.
    loop {
        at = blank(at);
        while matches!(bytes.get(at), Some(b'-' | b'+')) {
            at = blank(at + 1);
        }
        at = match bytes.get(at) {
            Some(b'\'' | b'"') => quoted(text, at),
            Some(b'(' | b'[' | b'{') => group(text, at),
            _ => word(at),
        };
        let next = loop {
            let next = blank(at);
            at = match bytes.get(next) {
                Some(b'.' | b'|') => word(blank(next + 1)),
                Some(b'(' | b'[') => group(text, next),
                _ => break next,
            };
        };
        if !text[next..].starts_with("**") {
            return at;
        }
        at = next + 2;
    }
}

/// The end of what is in brackets.
fn group(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (start, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'\'' | b'"' => at = quoted(text, at) - 1,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth < 2 => return at + 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    at
}
