//! The format of a model's answers, found in the source of its chat template.
//!
//! A template shows how calls of earlier turns are written, or tells the model how to write them. Both are what the model was trained on.
//! Only texts are looked for: templates are programs, and those of one family differ in everything but their markers.

use super::families::{CALLS, REASONING, SILENT};
use super::shape::{Calls, Reasoning, Shape};

/// How a model writes what is not plain text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Format {
    /// How it calls tools, if it does.
    pub(super) calls: Option<&'static Calls>,
    /// How it reasons, if it does.
    pub(super) reasoning: Option<&'static Reasoning>,
    /// Markers that say only that content begins or ends.
    pub(super) silent: &'static [&'static str],
}

/// How an answer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    /// In the middle of reasoning.
    Reasoning,
    /// Behind it.
    Content,
    /// As the model likes.
    Open,
}

impl Format {
    /// Finds the format of a chat template. Of what the template does not speak, the format has nothing.
    #[must_use]
    pub fn of(template: &str) -> Format {
        let shown = |texts: &[&str]| texts.iter().all(|text| template.contains(text));
        Format {
            calls: CALLS.iter().find(|(texts, _)| shown(texts)).map(|(_, calls)| *calls),
            reasoning: REASONING.iter().find(|(texts, _)| shown(texts)).map(|(_, reasoning)| *reasoning),
            silent: SILENT.iter().find(|(texts, _)| shown(texts)).map_or(&[], |(_, marks)| *marks),
        }
    }

    /// The markers around reasoning, if the model reasons.
    pub(crate) fn reasoning(&self) -> Option<(&'static str, &'static str)> {
        self.reasoning.map(|reasoning| (reasoning.open, reasoning.close))
    }

    /// Markers that say only that content begins or ends.
    pub(crate) fn silent(&self) -> &'static [&'static str] {
        self.silent
    }

    /// How an answer begins to the prompt that ends with this text: templates may open reasoning there, or close it.
    pub(crate) fn begins(&self, prompt_end: &str) -> Begins {
        let prompt = prompt_end.trim_end();
        match self.reasoning {
            Some(reasoning) if prompt.ends_with(reasoning.open.trim_end()) => Begins::Reasoning,
            Some(reasoning) if prompt.ends_with(reasoning.close.trim_end()) => Begins::Content,
            _ => Begins::Open,
        }
    }

    /// All that the parser looks for. `tools` says whether the request has tools: without them, calls are not looked for.
    #[must_use]
    pub fn markers(&self, tools: bool) -> Vec<&'static str> {
        let mut marks = self.silent.to_vec();
        if let Some(reasoning) = self.reasoning {
            marks.extend([reasoning.open, reasoning.close]);
        }
        if let (Some(calls), true) = (self.calls, tools) {
            marks.extend([calls.open, calls.item, calls.item_end, calls.close].concat());
            match &calls.shape {
                Shape::Plain(_) | Shape::Keyed => {}
                Shape::Headed(head) => marks.extend([head.split, head.end]),
                Shape::Tagged(tags) => marks.extend([tags.name_end, tags.key, tags.key_end, tags.value, tags.value_end, tags.end]),
                Shape::Written(dialect) => marks.push(dialect.quote),
            }
        }
        marks.retain(|mark| !mark.is_empty());
        marks
    }

    /// The parser must see this special token: a marker is made of it, perhaps among others.
    #[must_use]
    pub fn shows(&self, token: &str, tools: bool) -> bool {
        !token.is_empty() && self.markers(tools).iter().any(|mark| mark.contains(token))
    }
}
