//! WGSL as tokens, and edits of a text.
//!
//! All code that rewrites a kernel works in the same way. It looks for places among [`tokens`],
//! notes the new text of each place ([`Edits`]), and applies all notes at once. The compiler links,
//! sets constants and rewrites loops this way. The crate `gpu` translates into the dialect of a
//! browser. Nothing depends on how a text is broken into lines.

use std::borrow::Cow;
use std::ops::Range;

mod token;

pub use token::{Kind, Token, tokens};

/// The index of the bracket that closes the one at `open`. Only brackets of the same kind are
/// counted, which includes `<` and `>`.
#[must_use]
pub fn closing(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    let opens = tokens.get(open)?.text;
    let closes = match opens {
        "(" => ")",
        "[" => "]",
        "{" => "}",
        "<" => ">",
        _ => return None,
    };
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if token.is(opens) {
            depth += 1;
        } else if token.is(closes) {
            depth -= 1;
            if depth == 0 {
                return Some(index);
            }
        }
    }
    None
}

/// The arguments between two brackets: parts between the commas that stand in no bracket of their
/// own.
#[must_use]
pub fn arguments<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0;
    let parts = tokens.split(|token| {
        depth += i32::from(["(", "["].iter().any(|open| token.is(open)));
        depth -= i32::from([")", "]"].iter().any(|close| token.is(close)));
        depth == 0 && token.is(",")
    });
    parts.collect()
}

/// The place of some tokens in their text: from the start of the first to the end of the last.
#[must_use]
pub fn span(tokens: &[Token<'_>]) -> Range<usize> {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => first.start..last.end(),
        _ => 0..0,
    }
}

/// What shall stand at which places of a text.
#[derive(Clone, Debug, Default)]
pub struct Edits<'a> {
    list: Vec<(Range<usize>, Cow<'a, str>)>,
}

impl<'a> Edits<'a> {
    /// Puts `with` in the place of a span. Spans do not overlap; they may come in any order.
    pub fn replace(&mut self, span: Range<usize>, with: impl Into<Cow<'a, str>>) {
        self.list.push((span, with.into()));
    }

    /// The part of a text that `within` names, with the edits that lie in it.
    #[must_use]
    pub fn apply(mut self, text: &str, within: Range<usize>) -> String {
        self.list.sort_by_key(|(span, _)| span.start);
        let added: usize = self.list.iter().map(|(_, with)| with.len()).sum();
        let mut out = String::with_capacity(within.len() + added);
        let mut at = within.start;
        for (span, with) in &self.list {
            debug_assert!(at <= span.start && span.end <= within.end, "edits overlap or lie outside");
            out.push_str(&text[at..span.start]);
            out.push_str(with);
            at = span.end;
        }
        out.push_str(&text[at..within.end]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_matched_by_kind() {
        let text = "f(a[1], g(b)) < c";
        let all = tokens(text);
        assert_eq!(closing(&all, 1).map(|index| all[index].start), Some(12));
        assert_eq!(closing(&all, 3).map(|index| all[index].start), Some(5));
        assert_eq!((closing(&all, 0), closing(&tokens("(a"), 0)), (None, None));
        let template = tokens("array<array<f32, 4>>;");
        assert_eq!(closing(&template, 1), Some(template.len() - 2));
    }

    #[test]
    fn arguments_are_split_outside_brackets() {
        let text = "a, b[i, j], f(c, d)";
        let all = tokens(text);
        let parts: Vec<&str> = arguments(&all).into_iter().map(|part| &text[span(part)]).collect();
        assert_eq!(parts, ["a", "b[i, j]", "f(c, d)"]);
    }

    #[test]
    fn edits_come_in_any_order_and_are_applied_at_once() {
        let mut edits = Edits::default();
        edits.replace(8..9, "last");
        edits.replace(0..1, "first");
        edits.replace(4..4, "new ");
        assert_eq!(edits.clone().apply("a = b + c;", 0..10), "first = new b + last;");
        assert_eq!(Edits::default().apply("a = b + c;", 4..5), "b");
    }
}
