//! Grammars of answers that call tools, in the notation that the model was trained on.
//!
//! A grammar lets nothing through that [`super::Parser`] would not read as calls of the tools that the request allows, with arguments of
//! their schemas. It leaves the model its habits: blanks are free, and so is what a notation may leave out.
//!
//! - `rules` writes Lark. `tool` has the tools of a request.
//! - `calls` writes calls in each shape, `written` the values of programming notations.
//!
//! Here they are put together to an answer: text first, perhaps, then calls.

mod calls;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod notations;
mod rules;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
mod tool;
mod written;

use serde_json::Value;

use super::Format;
use super::shape::{Calls, Plain, Shape};
use crate::grammar::{Grammar, Kind};
use crate::{ErrorKind, Result};
use calls::Writer;
use rules::{BLANK, Rules};
use tool::Tool;

/// What a request wants of calls.
#[derive(Clone, Debug)]
pub struct Calling<'a> {
    /// The request's tools, in OpenAI's form.
    pub tools: &'a Value,
    /// The names of those that may be called. All if there is none.
    pub only: Option<Vec<String>>,
    /// There must be a call. Otherwise the answer may be text, or text and calls behind it.
    pub must: bool,
    /// There may be several calls.
    pub parallel: bool,
    /// What an answer without calls must be. Then no text comes before calls.
    pub answer: Option<&'a Grammar>,
}

impl Format {
    /// The grammar of answers that call as the request wants, behind any reasoning. `special` has the texts and ids of all tokens that are
    /// no text to a grammar. `None` if the model knows no calls.
    ///
    /// # Errors
    /// [`ErrorKind::Grammar`] where no tool may be called, and one must be.
    #[must_use]
    pub fn calling(&self, calling: &Calling, special: &[(String, u32)]) -> Option<Result<Grammar>> {
        let calls = self.calls?;
        let tools = Tool::all(calling);
        if tools.is_empty() && calling.must {
            let reason = "there is no tool that may be called".to_owned();
            return Some(Err(ErrorKind::Grammar { field: "tools", reason }.into()));
        }
        let mut answer = Answer { format: self, calls, rules: Rules::new(special) };
        let text = if calling.must { None } else { Some(answer.text(calling.answer)) };
        let run = (!tools.is_empty()).then(|| answer.calls(&tools, calling.parallel && !calls.single));
        let start = match (text, run) {
            (None, Some(run)) => format!("{} {run}", answer.first()),
            (Some(text), Some(run)) if calling.answer.is_some() => format!("{text} | {} {run}", answer.first()),
            (Some(text), Some(run)) => format!("{text} | {} {run} | {} {run}", answer.first(), answer.reach()),
            (text, None) => text.unwrap_or_default(),
        };
        let text = answer.rules.finish(&start);
        Some(Ok(Grammar { field: "tools", kind: Kind::Lark, text }))
    }
}

/// The grammar of an answer that is being written.
struct Answer<'a> {
    format: &'a Format,
    calls: &'static Calls,
    rules: Rules<'a>,
}

impl Answer<'_> {
    /// The markers of which one begins a run of calls.
    fn openers(&self) -> &'static [&'static str] {
        if self.calls.open.is_empty() { self.calls.item } else { self.calls.open }
    }

    /// All calls of an answer, behind the first marker.
    fn calls(&mut self, tools: &[Tool], parallel: bool) -> String {
        let calls = self.calls;
        let run = Writer { rules: &mut self.rules, calls, tools, parallel }.section();
        // A list holds all calls, and so does a section whose calls have markers of their own, unless each may have a section.
        let repeats = match &calls.shape {
            Shape::Plain(plain) => matches!(plain, Plain::Objects(_)),
            Shape::Tagged(_) => true,
            Shape::Keyed => false,
            Shape::Headed(_) | Shape::Written(_) => calls.open.is_empty(),
        };
        if !parallel || !repeats {
            return run;
        }
        format!("{run} ({BLANK} {} {run})*", self.rules.marks(self.openers()))
    }

    /// The marker that begins the first call, of which a part may have come already.
    fn first(&mut self) -> String {
        let openers = self.openers();
        let mark = self.rules.marks(openers);
        match self.lead() {
            // The prompt mostly ends with it.
            Some(_) => format!("({mark})?"),
            None if self.calls.bare => format!("{BLANK} ({mark})?"),
            None => {
                let begun = openers.iter().filter_map(|mark| self.begun(mark));
                let ways: Vec<_> = std::iter::once(format!("{BLANK} {mark}")).chain(begun).collect();
                self.rules.one(&ways)
            }
        }
    }

    /// The rest of a marker whose first token may have been taken for the beginning of reasoning or of a silent marker. Grammars do not hold
    /// for those.
    fn begun(&self, mark: &str) -> Option<String> {
        let begins = self.rules.begins(mark)?;
        let others = self.format.silent.iter().copied().chain(self.format.reasoning.map(|reasoning| reasoning.open));
        let is_shared = others.into_iter().any(|other| self.rules.begins(other) == Some(begins));
        let whole = self.rules.mark(mark);
        whole.split_once(' ').filter(|_| is_shared).map(|(_, rest)| rest.to_owned())
    }

    /// What stands before text where text has a recipient too, as calls have.
    fn lead(&self) -> Option<(&'static str, &'static str)> {
        let opener = |mark: &&'static str| self.openers().iter().find_map(|opener| Some((*opener, mark.strip_prefix(opener)?)));
        self.format.silent.iter().find_map(|mark| opener(mark).filter(|_| self.calls.open.is_empty()))
    }

    /// An answer without calls.
    fn text(&mut self, answer: Option<&Grammar>) -> String {
        let text = match answer {
            Some(answer) => self.nested(answer),
            None => {
                let free = self.free();
                format!("{} {free}?", self.silent())
            }
        };
        format!("{} {text}", self.before())
    }

    /// What must stand before text.
    fn before(&mut self) -> String {
        let Some((mark, rest)) = self.lead() else { return String::new() };
        format!("({})? {}", self.rules.mark(mark), self.rules.mark(rest))
    }

    /// Text up to the first marker of calls, with it.
    fn reach(&mut self) -> String {
        // Where calls are in sections, a call's own marker must not come first.
        let inner = if self.calls.open.is_empty() { &[] } else { self.calls.item };
        let but = format!("{}{}", self.unlike_call(), self.rules.without(inner));
        let until = self.rules.until(self.openers(), &but);
        format!("{} {} {until}", self.before(), self.silent())
    }

    /// Text without the markers of calls.
    fn free(&mut self) -> String {
        let but = self.unlike_call();
        self.rules.free(&[self.calls.open, self.calls.item].concat(), but)
    }

    /// Where calls need no marker, text does not begin like one.
    fn unlike_call(&self) -> &'static str {
        if self.calls.bare { r" & ~/\s*[\{\[](?s:.*)/" } else { "" }
    }

    /// Text with special tokens behind it that mean nothing to calls, any number of times.
    fn silent(&mut self) -> String {
        let reasoning = self.format.reasoning.into_iter().flat_map(|reasoning| [reasoning.open, reasoning.close]);
        let mut ids: Vec<_> = self.format.silent.iter().copied().chain(reasoning).flat_map(|mark| self.rules.specials(mark)).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return String::new();
        }
        let ids: Vec<_> = ids.iter().map(u32::to_string).collect();
        let free = self.free();
        self.rules.rule(&format!("({free}? <[{}]>)*", ids.join(",")))
    }

    /// Another grammar within this one.
    fn nested(&mut self, grammar: &Grammar) -> String {
        match grammar.kind {
            Kind::Json => self.rules.rule(&format!("%json {}", grammar.text)),
            Kind::Lark => self.rules.rule(&format!("%lark {{\n{}\n}}", grammar.text)),
            Kind::Regex if grammar.text.is_empty() => "\"\"".to_owned(),
            Kind::Regex => self.rules.terminal(&format!("/{}/", slashed(&grammar.text))),
        }
    }
}

/// A regular expression as Lark has it between slashes: those within are escaped, unless they are already.
fn slashed(expression: &str) -> String {
    let (mut out, mut escaped) = (String::new(), false);
    for c in expression.chars() {
        match c {
            '/' if !escaped => out.push_str("\\/"),
            '\n' => out.push_str(if escaped { "n" } else { "\\n" }),
            c => out.push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    out
}
