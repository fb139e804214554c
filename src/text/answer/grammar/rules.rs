//! Rules of a grammar that is being written, in llguidance's Lark.
//!
//! Its lexer takes the longest text that fits, and never comes back. So no text may go on into what follows it: free text ends at the first
//! marker, which is part of the same expression, and blanks stand where nothing else begins with one.
//!
//! Special tokens are no text. A marker is cut where it has one, which is written by its id.

use std::collections::HashMap;

use serde_json::Value;

use crate::grammar::{json, literal};

/// Blanks, which models put between the parts of a notation in their own ways.
pub(super) const BLANK: &str = "BLANK?";

/// The rules that have been written.
pub(super) struct Rules<'a> {
    /// The special tokens: their texts and ids.
    special: &'a [(String, u32)],
    text: String,
    /// The names of rules and terminals, by what they are.
    names: HashMap<String, String>,
}

/// A part of a marker.
enum Part<'a> {
    Text(&'a str),
    Special(u32),
}

impl<'a> Rules<'a> {
    pub(super) fn new(special: &'a [(String, u32)]) -> Rules<'a> {
        Rules { special, text: "BLANK: /[ \\n\\r\\t]{1,20}/\n".to_owned(), names: HashMap::new() }
    }

    /// The whole grammar, which begins with this.
    pub(super) fn finish(self, start: &str) -> String {
        format!("start: {start}\n{}", self.text)
    }

    /// The name of a rule.
    pub(super) fn rule(&mut self, body: &str) -> String {
        self.named("part_", "", body)
    }

    /// The name of a terminal, which is one expression to the lexer.
    pub(super) fn terminal(&mut self, body: &str) -> String {
        self.named("TEXT_", "", body)
    }

    /// A name for a rule that is defined later, perhaps by itself.
    pub(super) fn reserve(&mut self) -> String {
        let name = format!("part_{}", self.names.len());
        self.names.insert(format!("reserved {name}"), name.clone());
        name
    }

    pub(super) fn define(&mut self, name: &str, body: &str) {
        self.text.push_str(&format!("{name}: {body}\n"));
    }

    /// What is written twice is one rule.
    fn named(&mut self, kind: &str, attribute: &str, body: &str) -> String {
        let key = format!("{kind}{attribute} {body}");
        if let Some(name) = self.names.get(&key) {
            return name.clone();
        }
        let name = format!("{kind}{}", self.names.len());
        self.names.insert(key, name.clone());
        self.define(&format!("{name}{attribute}"), body);
        name
    }

    /// JSON of a schema.
    pub(super) fn json(&mut self, schema: &Value, strict: bool) -> String {
        self.rule(&format!("%json {}", json(schema, strict)))
    }

    /// One of several expressions.
    pub(super) fn one(&mut self, choices: &[String]) -> String {
        match choices {
            [only] => only.clone(),
            _ => self.rule(&choices.join(" | ")),
        }
    }

    /// A marker.
    pub(super) fn mark(&self, mark: &str) -> String {
        let parts = self.cut(mark).into_iter().map(|part| match part {
            Part::Text(text) => literal(text),
            Part::Special(id) => format!("<[{id}]>"),
        });
        parts.collect::<Vec<_>>().join(" ")
    }

    /// One of several markers.
    pub(super) fn marks(&mut self, marks: &[&str]) -> String {
        let marks: Vec<_> = marks.iter().map(|mark| self.mark(mark)).collect();
        self.one(&marks)
    }

    /// The special tokens of a marker.
    pub(super) fn specials(&self, mark: &str) -> Vec<u32> {
        let id = |part| if let Part::Special(id) = part { Some(id) } else { None };
        self.cut(mark).into_iter().filter_map(id).collect()
    }

    /// The special token that a marker begins with.
    pub(super) fn begins(&self, mark: &str) -> Option<u32> {
        if let Some(Part::Special(id)) = self.cut(mark).first() { Some(*id) } else { None }
    }

    /// What is asked of a terminal besides: none of these texts occurs in it.
    pub(super) fn without(&self, marks: &[&str]) -> String {
        // What has another one in it says nothing new, and costs the lexer much.
        let least: Vec<_> = marks.iter().filter(|mark| !marks.iter().any(|other| other != *mark && mark.contains(other))).collect();
        if least.is_empty() {
            return String::new();
        }
        let least: Vec<_> = least.into_iter().map(|mark| literal(mark)).collect();
        format!(" & ~(/(?s:.*)/ ({}) /(?s:.*)/)", least.join(" | "))
    }

    /// Any text without these markers. `but` is what else is asked of it, as [`Rules::without`] writes it.
    pub(super) fn free(&mut self, marks: &[&str], but: &str) -> String {
        self.terminal(&format!("/(?s:.+)/{}{but}", self.without(marks)))
    }

    /// Any text up to the first of the markers, with it.
    pub(super) fn until(&mut self, marks: &[&str], but: &str) -> String {
        let mut choices = Vec::new();
        let (mixed, plain): (Vec<&str>, Vec<&str>) = marks.iter().partition(|mark| !self.specials(mark).is_empty());
        if !plain.is_empty() {
            // The first of these ends the text, and need not be kept out of it.
            let text = self.terminal(&format!("/(?s:.*)/{}{but}", self.without(&mixed)));
            let plain: Vec<_> = plain.into_iter().map(literal).collect();
            choices.push(self.named("part_", "[lazy]", &format!("{text} ({})", plain.join(" | "))));
        }
        for mark in mixed {
            let parts = self.mark(mark);
            let (before, rest) = parts.split_at(parts.find("<[").unwrap_or(0));
            let text = match before {
                "" => format!("{}?", self.free(marks, but)),
                _ => self.terminal(&format!("/(?s:.*)/ {before}{}{but}", self.without(marks))),
            };
            choices.push(format!("{text} {rest}"));
        }
        self.one(&choices)
    }

    /// Cuts a marker at the special tokens that it has. The longest one counts where several begin.
    fn cut<'m>(&self, mark: &'m str) -> Vec<Part<'m>> {
        let mut parts = Vec::new();
        let (mut start, mut at) = (0, 0);
        while at < mark.len() {
            let here = |(name, _): &&(String, u32)| !name.is_empty() && mark[at..].starts_with(name.as_str());
            let Some((name, id)) = self.special.iter().filter(here).max_by_key(|(name, _)| name.len()) else {
                at += mark[at..].chars().next().map_or(1, char::len_utf8);
                continue;
            };
            if start < at {
                parts.push(Part::Text(&mark[start..at]));
            }
            parts.push(Part::Special(*id));
            at += name.len();
            start = at;
        }
        if start < mark.len() {
            parts.push(Part::Text(&mark[start..]));
        }
        parts
    }
}
