//! Answers made at random of markers and text: nothing panics, no word is lost, and cuts change nothing.

use super::families::{CALLS, REASONING, SILENT};
use super::tests::{parsed, tools};
use super::{Format, Piece};

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

const PARTS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "'",
    ":",
    ",",
    "=",
    "\\",
    "\n",
    " ",
    "{}",
    "null",
    "1",
    "é",
    "<",
    "｜",
    "```",
    "search",
    "get_weather",
    "{\"name\": \"search\", \"arguments\": {",
    "\"any\": ",
    "}}",
    "[search(query='",
    "')]",
    "search\n",
    "unknown",
];

fn formats() -> Vec<Format> {
    let reasons = |at: usize| Some(REASONING[at % REASONING.len()].1);
    let silent = |at: usize| if at < SILENT.len() { SILENT[at].1 } else { &[] };
    CALLS.iter().enumerate().map(|(at, (_, calls))| Format { calls: Some(calls), reasoning: reasons(at), silent: silent(at) }).collect()
}

/// Everything that the pieces say, with the texts of whole arguments as they read after their escapes.
fn said(pieces: &[Piece]) -> String {
    let texts = pieces.iter().map(|piece| match piece {
        Piece::Content(text) | Piece::Reasoning(text) | Piece::Arguments { text, .. } => text.clone(),
        Piece::Call { id, name, .. } => format!("{name} {id:?}"),
    });
    texts.collect::<Vec<_>>().join(" ")
}

#[test]
fn cuts_and_damage_lose_nothing() {
    let tools = tools();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for format in formats() {
        let marks = format.markers(true);
        for _ in 0..120 {
            let mut parts: Vec<String> = Vec::new();
            for number in 0..random.below(14) {
                parts.push(match random.below(5) {
                    0 | 1 => marks[random.below(marks.len())].to_string(),
                    2 => format!(" word{number} "),
                    _ => PARTS[random.below(PARTS.len())].to_string(),
                });
            }
            let text = parts.concat();
            let whole = parsed(&format, "", &[&text], Some(&tools));
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            assert_eq!(parsed(&format, "", &parts, Some(&tools)), whole, "{text:?} in {format:?}");
            let mut chars: Vec<&str> = text.split("").collect();
            assert_eq!(parsed(&format, "", &chars, Some(&tools)), whole, "{text:?} in {format:?}");
            chars.clear();
            let plain = parsed(&format, "", &[&text], None);
            assert!(!plain.iter().any(|piece| matches!(piece, Piece::Call { .. } | Piece::Arguments { .. })));
            if let [Piece::Content(content)] = &whole[..] {
                let silent = format.silent.iter().any(|mark| text.contains(mark));
                let reasoned = format.reasoning.is_some_and(|reasoning| text.contains(reasoning.open));
                assert!(silent || reasoned || *content == text, "{text:?} in {format:?}");
            }
            if !whole.iter().any(|piece| matches!(piece, Piece::Call { .. })) {
                let said = said(&whole);
                for part in parts.iter().filter(|part| part.starts_with(" word")) {
                    assert!(said.contains(part.trim()), "{part} of {text:?} in {format:?}: {whole:?}");
                }
            }
        }
    }
}

#[test]
fn random_characters() {
    let tools = tools();
    let mut random = Random(0x1234_5678_9abc_def1);
    let formats = formats();
    for _ in 0..2000 {
        let format = &formats[random.below(formats.len())];
        let alphabet: Vec<char> = format.markers(true).concat().chars().chain("{}[]()\"':,= \n\\ae1".chars()).collect();
        let text: String = (0..random.below(60)).map(|_| alphabet[random.below(alphabet.len())]).collect();
        let at = (0..=random.below(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let whole = parsed(format, "<think>", &[&text], Some(&tools));
        assert_eq!(parsed(format, "<think>", &[&text[..at], &text[at..]], Some(&tools)), whole, "{text:?} in {format:?}");
    }
}
