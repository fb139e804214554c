//! Reasoning in front of an answer: how long it may be, and where the answer itself begins.
//!
//! A grammar holds for the answer and not for the reasoning. Both are told apart here by the markers that the model was trained with, as in
//! [`crate::text::answer`], but token by token, since the grammar must know before a token is taken.

use crate::text::answer::Begins;

/// What an answer's beginning may be.
#[derive(Clone, Debug)]
pub(crate) struct Thinking {
    /// Ids of the marker that begins reasoning.
    open: Vec<u32>,
    /// The marker that ends it, and its ids.
    close: (&'static str, Vec<u32>),
    /// Markers that may stand between reasoning and answer.
    silent: &'static [&'static str],
    /// The most tokens of reasoning.
    budget: Option<u32>,
    place: Place,
}

/// Where an answer is.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    /// At its beginning: so many ids of the opening marker have come.
    Opening(usize),
    /// In its reasoning. The last text of it, which may hold the start of the closing marker, and how many tokens there were.
    Reasoning { tail: String, spent: u32 },
    /// Between reasoning and answer: the text since then.
    Between(String),
    /// In the answer itself.
    Answer,
}

impl Thinking {
    /// Blanks that may stand before an answer.
    const BLANKS: usize = 4;

    pub(crate) fn new(
        open: Vec<u32>,
        close: (&'static str, Vec<u32>),
        silent: &'static [&'static str],
        budget: Option<u32>,
        begins: Begins,
    ) -> Thinking {
        let place = match begins {
            Begins::Open => Place::Opening(0),
            Begins::Reasoning => Place::Reasoning { tail: String::new(), spent: 0 },
            Begins::Content => Place::Between(String::new()),
        };
        Thinking { open, close, silent, budget, place }
    }

    /// The ids that end the reasoning now: it has spent its budget, or `ends` says that the model would end the answer without having given
    /// any. Nothing where the tokenizer cannot write the marker: then reasoning goes on.
    pub(crate) fn over(&self, ends: bool) -> Option<&[u32]> {
        let Place::Reasoning { spent, .. } = self.place else { return None };
        let over = ends || self.budget.is_some_and(|budget| spent >= budget);
        Some(self.close.1.as_slice()).filter(|ids| over && !ids.is_empty())
    }

    /// Whether a token may be what it likes: it is not of the answer itself. `text` is what it would say.
    pub(crate) fn is_free(&self, id: u32, text: impl FnOnce() -> String) -> bool {
        match &self.place {
            Place::Opening(seen) => self.open.get(*seen) == Some(&id),
            Place::Reasoning { .. } => true,
            Place::Between(before) => self.is_between(&format!("{before}{}", text())),
            Place::Answer => false,
        }
    }

    /// Takes a token and the text that came of it.
    pub(crate) fn push(&mut self, id: u32, text: &str) {
        self.place = match std::mem::replace(&mut self.place, Place::Answer) {
            Place::Opening(seen) if self.open.get(seen) == Some(&id) => match seen + 1 == self.open.len() {
                true => Place::Reasoning { tail: String::new(), spent: 0 },
                false => Place::Opening(seen + 1),
            },
            Place::Reasoning { mut tail, spent } => {
                tail.push_str(text);
                match tail.find(self.close.0) {
                    Some(place) => Place::Between(tail[place + self.close.0.len()..].to_owned()),
                    None => {
                        let keep = tail.char_indices().rev().map(|(place, _)| place).find(|place| tail.len() - place >= self.close.0.len());
                        tail.drain(..keep.unwrap_or(0));
                        Place::Reasoning { tail, spent: spent + 1 }
                    }
                }
            }
            Place::Between(before) => {
                let text = before + text;
                if self.is_between(&text) { Place::Between(text) } else { Place::Answer }
            }
            Place::Opening(_) | Place::Answer => Place::Answer,
        };
    }

    /// Whether a text behind the reasoning is nothing but a few blanks and silent markers, the last one perhaps begun.
    fn is_between(&self, text: &str) -> bool {
        let mut rest = text.trim_start();
        if text.len() - rest.len() > Self::BLANKS {
            return false;
        }
        while let Some(behind) = self.silent.iter().find_map(|mark| rest.strip_prefix(mark)) {
            rest = behind.trim_start();
        }
        rest.is_empty() || self.silent.iter().any(|mark| mark.starts_with(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thinking(begins: Begins, budget: Option<u32>) -> Thinking {
        Thinking::new(vec![1, 2], ("</think>", vec![3]), &["<final>"], budget, begins)
    }

    #[test]
    fn an_answer_begins_behind_its_reasoning() {
        let mut thinking = thinking(Begins::Open, None);
        for (id, text, free) in [
            (1, "<th", true),
            (2, "ink>", true),
            (9, "one, two</th", true),
            (9, "ink>\n", true),
            (9, "\n<fi", true),
            (9, "nal>", true),
            (9, "{", false),
            (9, " ", false),
        ] {
            assert_eq!(thinking.is_free(id, || text.into()), free, "{text}");
            thinking.push(id, text);
        }
    }

    #[test]
    fn what_does_not_begin_with_reasoning_is_the_answer() {
        let mut open = thinking(Begins::Open, Some(0));
        assert!(!open.is_free(9, || "{".into()) && open.over(true).is_none());
        open.push(9, "{");
        assert!(!open.is_free(1, String::new));
        let content = thinking(Begins::Content, Some(0));
        assert!(content.is_free(9, || "\n".into()) && !content.is_free(9, || "{".into()));
        assert!(content.over(true).is_none());
    }

    #[test]
    fn reasoning_goes_on_where_its_end_cannot_be_written() {
        let thinking = Thinking::new(vec![1], ("</think>", vec![]), &[], Some(0), Begins::Reasoning);
        assert!(thinking.over(false).is_none() && thinking.over(true).is_none());
    }

    #[test]
    fn reasoning_is_over_when_its_budget_is_spent() {
        let mut thinking = thinking(Begins::Reasoning, Some(2));
        for _ in 0..2 {
            assert!(thinking.over(false).is_none() && thinking.over(true).is_some());
            thinking.push(9, "é");
        }
        assert_eq!(thinking.over(false), Some(&[3][..]));
        thinking.push(3, "</think>");
        assert!(thinking.over(false).is_none() && !thinking.is_free(9, || "{".into()));
    }
}
