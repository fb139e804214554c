//! Ids to text, one at a time.
//!
//! The tokenizers library decodes whole sequences only. Streaming an answer with it would take time that grows with the square of the
//! length. Here each token gives its bytes, and bytes become text as soon as a character is whole. All pieces together are the text of all
//! ids.
//!
//! On valid UTF-8 that is the library's text. Of invalid bytes, each maximal broken part becomes one U+FFFD, as Unicode advises. The
//! library's byte fallback writes one U+FFFD for every byte of the whole run instead, which cannot be known before the run ends.

use std::sync::Arc;

use crate::text::tokenizer::{Scheme, Tokenizer};

/// The state of a text that is being decoded.
#[derive(Clone, Debug)]
pub struct Detokenizer {
    special: bool,
    /// Special tokens that are written all the same, in order.
    shown: Arc<[u32]>,
    /// No token has been seen.
    first: bool,
    /// Spaces dropped at the start so far, or nothing once the text has begun.
    stripped: Option<usize>,
    /// Bytes of a token; after a push, those of a character that is not whole.
    held: Vec<u8>,
    /// For [`Scheme::Windowed`]: the last tokens, and how many of them are written.
    window: Vec<u32>,
    written: usize,
}

impl Default for Detokenizer {
    fn default() -> Self {
        Self::new()
    }
}

impl Detokenizer {
    /// Tokens that may wait for a character to become whole where tokens are decoded by the library.
    const PATIENCE: usize = 8;

    /// Starts a text. Special tokens are left out.
    #[must_use]
    pub fn new() -> Detokenizer {
        Detokenizer {
            special: false,
            shown: Arc::default(),
            first: true,
            stripped: Some(0),
            held: Vec::new(),
            window: Vec::new(),
            written: 0,
        }
    }

    /// The text continues another one: a space at its start is kept.
    #[must_use]
    pub fn continuing(self) -> Detokenizer {
        Detokenizer { first: false, stripped: None, ..self }
    }

    /// Special tokens are written too.
    #[must_use]
    pub fn with_special(self) -> Detokenizer {
        Detokenizer { special: true, ..self }
    }

    /// These special tokens are written, whatever becomes of others. They are in order.
    #[must_use]
    pub fn showing(self, shown: Arc<[u32]>) -> Detokenizer {
        Detokenizer { shown, ..self }
    }

    /// Takes a token and writes the text that it completes: never a part of a character.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32, out: &mut String) {
        if !self.special && tokenizer.is_special(id) && self.shown.binary_search(&id).is_err() {
            return;
        }
        if tokenizer.scheme == Scheme::Windowed {
            return self.push_window(tokenizer, id, out);
        }
        self.spell(tokenizer, id);
        write_whole(&mut self.held, out);
    }

    /// Appends the bytes of a token to those that are held.
    fn spell(&mut self, tokenizer: &Tokenizer, id: u32) {
        let Some(token) = tokenizer.token(id) else { return };
        match &tokenizer.scheme {
            Scheme::Marked { mark, bytes, strip, bare_first } => {
                let byte = if *bytes { fallback_byte(&token) } else { None };
                let bare = *bare_first && self.first;
                match byte {
                    Some(byte) => self.begin(&[byte], *strip),
                    None => {
                        for piece in token.split_inclusive(*mark) {
                            let text = piece.strip_suffix(*mark);
                            self.begin(text.unwrap_or(piece).as_bytes(), *strip);
                            if text.is_some() && !bare {
                                self.begin(b" ", *strip);
                            }
                        }
                    }
                }
            }
            _ => spell_bytes(&token, &mut self.held),
        }
        self.first = false;
    }

    /// Ends the text: what is left of a broken character becomes U+FFFD.
    pub fn finish(&mut self, tokenizer: &Tokenizer, out: &mut String) {
        if !self.held.is_empty() {
            self.held.clear();
            out.push(char::REPLACEMENT_CHARACTER);
        }
        if self.written < self.window.len() {
            self.write_window(tokenizer, out, true);
        }
    }

    /// Appends bytes, without the spaces that the start of a text loses.
    fn begin(&mut self, mut bytes: &[u8], strip: usize) {
        while let Some(stripped) = self.stripped
            && let Some(&byte) = bytes.first()
        {
            if byte == b' ' && stripped < strip {
                bytes = &bytes[1..];
                self.stripped = Some(stripped + 1);
            } else {
                self.stripped = None;
            }
        }
        self.held.extend_from_slice(bytes);
    }

    fn push_window(&mut self, tokenizer: &Tokenizer, id: u32, out: &mut String) {
        self.window.push(id);
        let late = self.window.len() - self.written > Self::PATIENCE;
        self.write_window(tokenizer, out, late);
    }

    /// Writes what the window's text has beyond that of its written tokens. Those are decoded again because a token's text can depend on
    /// the one before.
    fn write_window(&mut self, tokenizer: &Tokenizer, out: &mut String, even_if_broken: bool) {
        let before = tokenizer.decode_whole(&self.window[..self.written]);
        let now = tokenizer.decode_whole(&self.window);
        let new = now.get(before.len()..).unwrap_or_default();
        if even_if_broken || !new.is_empty() && !new.ends_with(char::REPLACEMENT_CHARACTER) {
            out.push_str(new);
            self.window.drain(..self.written);
            self.written = self.window.len();
        }
    }
}

/// The bytes that a token stands for in the middle of a text. They may be a part of a character. Special tokens give their names.
pub(crate) fn token_bytes(tokenizer: &Tokenizer, id: u32) -> Vec<u8> {
    if tokenizer.scheme == Scheme::Windowed {
        return tokenizer.decode_whole(&[id]).into_bytes();
    }
    let mut alone = Detokenizer::new().continuing();
    alone.spell(tokenizer, id);
    alone.held
}

/// The byte of a token such as `<0x0A>`.
fn fallback_byte(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() == 2 { u8::from_str_radix(digits, 16).ok() } else { None }
}

/// Appends the bytes that a GPT-2 token spells. A token with other characters, such as an added one, stands for itself.
fn spell_bytes(token: &str, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    for char in token.chars() {
        let Some(byte) = byte_of(char) else {
            bytes.truncate(start);
            bytes.extend_from_slice(token.as_bytes());
            return;
        };
        bytes.push(byte);
    }
}

/// The byte that a character stands for. Printable bytes of Latin-1 stand for themselves, the 68 others for U+0100 and on, in order.
fn byte_of(char: char) -> Option<u8> {
    match u32::from(char) {
        code @ (0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) => u8::try_from(code).ok(),
        code @ 0x100..=0x120 => u8::try_from(code - 0x100).ok(),
        code @ 0x121..=0x142 => u8::try_from(code - 0x121 + 0x7f).ok(),
        0x143 => Some(0xad),
        _ => None,
    }
}

/// Moves whole characters from bytes to text, and leaves the start of one that may still become whole.
fn write_whole(bytes: &mut Vec<u8>, out: &mut String) {
    let mut done = 0;
    while done < bytes.len() {
        match std::str::from_utf8(&bytes[done..]) {
            Ok(text) => {
                out.push_str(text);
                done = bytes.len();
            }
            Err(error) => {
                let valid = done + error.valid_up_to();
                out.push_str(std::str::from_utf8(&bytes[done..valid]).expect("it was found valid so far"));
                done = valid;
                let Some(broken) = error.error_len() else { break };
                out.push(char::REPLACEMENT_CHARACTER);
                done += broken;
            }
        }
    }
    bytes.drain(..done);
}

impl Tokenizer {
    /// The text of ids, without special tokens. Bytes that are no UTF-8 become U+FFFD.
    #[must_use]
    pub fn decode(&self, ids: &[u32]) -> String {
        self.decode_by(Detokenizer::new(), ids)
    }

    /// The text of ids, special tokens included.
    #[must_use]
    pub fn decode_with_special(&self, ids: &[u32]) -> String {
        self.decode_by(Detokenizer::new().with_special(), ids)
    }

    fn decode_by(&self, mut detokenizer: Detokenizer, ids: &[u32]) -> String {
        let mut text = String::new();
        for &id in ids {
            detokenizer.push(self, id, &mut text);
        }
        detokenizer.finish(self, &mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpt2_characters_are_the_256_bytes() {
        let mut bytes: Vec<u8> = (0..0x150).filter_map(char::from_u32).filter_map(byte_of).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
        assert_eq!(byte_of('Ġ'), Some(b' '));
        assert_eq!(byte_of('Ċ'), Some(b'\n'));
    }

    #[test]
    fn characters_come_whole() {
        let (mut held, mut text) = (Vec::new(), String::new());
        let mut pieces = Vec::new();
        for &byte in "né🙂".as_bytes().iter().chain(&[0xff, 0xe4, b'a', 0xe4]) {
            held.push(byte);
            text.clear();
            write_whole(&mut held, &mut text);
            pieces.push(text.clone());
        }
        assert_eq!(pieces, ["n", "", "é", "", "", "", "🙂", "\u{fffd}", "", "\u{fffd}a", ""]);
        assert_eq!(held, [0xe4]);
    }
}
