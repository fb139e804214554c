//! The parser of an answer: finds where reasoning and calls begin and end, and gives the rest as content.

use serde_json::Value;

use super::format::{Begins, Format};
use super::marks::{Found, first};
use super::piece::{Out, Piece};
use super::section::Section;
use super::step::Step;
use super::tools::Tools;

/// What the text is a part of.
#[derive(Debug)]
enum Mode {
    Content,
    Reasoning,
    Calls(Box<Section>),
}

/// Tells the parts of an answer apart while it streams in.
#[derive(Debug)]
pub struct Parser {
    format: Format,
    tools: Option<Tools>,
    mode: Mode,
    /// Text that has come and is not decided.
    text: String,
    /// How much at its start the prompt wrote: the marker that the answer goes on from.
    lent: usize,
    /// The text follows a marker: newlines at its start are not part of it.
    after: bool,
    /// No content since the start or the last part of another kind.
    fresh: bool,
    /// A call without a marker may begin here.
    bare: bool,
    out: Out,
}

impl Parser {
    /// Starts an answer to the prompt that ends with `prompt_end`: templates may open reasoning there, or close it. `tools` are the
    /// request's tools in OpenAI's form. Without tools there are no calls.
    #[must_use]
    pub fn new(format: &Format, prompt_end: &str, tools: Option<&Value>) -> Parser {
        let tools = tools.and_then(Tools::new).filter(|_| format.calls.is_some());
        let begins = format.begins(prompt_end);
        let mode = if begins == Begins::Reasoning { Mode::Reasoning } else { Mode::Content };
        let bare = format.calls.is_some_and(|calls| calls.bare) && tools.is_some();
        let item = format.calls.and_then(|calls| calls.item.iter().find(|mark| prompt_end.ends_with(**mark)));
        let text = item.map(|mark| mark.to_string()).unwrap_or_default();
        let (lent, after, out) = (text.len(), begins != Begins::Open, Out::default());
        Parser { format: *format, tools, mode, text, lent, after, fresh: true, bare, out }
    }

    /// Takes more of the answer and gives what is certain.
    pub fn push(&mut self, text: &str) -> Vec<Piece> {
        self.text.push_str(text);
        while self.advance(false) {}
        self.out.take()
    }

    /// Ends the answer and gives the rest.
    pub fn finish(&mut self) -> Vec<Piece> {
        while self.advance(true) {}
        let rest = std::mem::take(&mut self.text);
        match (std::mem::replace(&mut self.mode, Mode::Content), &self.tools) {
            (Mode::Calls(mut section), Some(tools)) => {
                let rest = section.finish(tools, &mut self.out);
                self.give(&rest);
            }
            (mode, _) => {
                self.mode = mode;
                if !self.after || !rest.trim().is_empty() {
                    self.give(&rest);
                }
            }
        }
        self.out.take()
    }

    /// Goes on to the next part, if the text reaches there. `whole` says that no text will follow.
    fn advance(&mut self, whole: bool) -> bool {
        match self.mode {
            Mode::Content => self.content(whole),
            Mode::Reasoning => self.reasoning(whole),
            Mode::Calls(_) => self.calls(),
        }
    }

    fn content(&mut self, whole: bool) -> bool {
        if self.fresh && self.bare {
            let start = self.text.trim_start();
            if start.is_empty() {
                return false;
            }
            if let (true, Some(calls)) = (start.starts_with(['{', '[']), self.format.calls) {
                let before = self.text.len() - start.len();
                let section = Section::new(calls, None, &self.text[..before]);
                self.text.drain(..before);
                self.mode = Mode::Calls(Box::new(section));
                return true;
            }
        }
        let openers = self.openers();
        if openers.is_empty() {
            let text = std::mem::take(&mut self.text);
            if self.after && text.trim().is_empty() {
                self.text = text;
            } else {
                self.give(&text);
            }
            return false;
        }
        match self.next(&openers, whole) {
            Found::At(at, mark) => {
                let kept = self.text[..at].trim_end().len();
                let text: String = self.text.drain(..at + mark.len()).collect();
                self.give(&text[..kept]);
                if let Some(calls) = self.format.calls.filter(|calls| calls.open.contains(&mark) || calls.item.contains(&mark)) {
                    self.mode = Mode::Calls(Box::new(Section::new(calls, Some(mark), &text[kept..])));
                } else {
                    self.switch(self.format.reasoning.is_some_and(|reasoning| reasoning.open == mark));
                }
                true
            }
            Found::Maybe(at) => self.keep(at),
            Found::Nothing => self.keep(self.text.len()),
        }
    }

    /// What may begin another part here, or is dropped.
    fn openers(&self) -> Vec<&'static str> {
        let mut marks = self.format.silent.to_vec();
        if let (Some(calls), true) = (self.format.calls, self.tools.is_some()) {
            marks.extend(calls.open.iter().chain(calls.item));
        }
        if let Some(reasoning) = self.format.reasoning.filter(|reasoning| reasoning.anywhere || self.fresh) {
            marks.push(reasoning.open);
        }
        marks
    }

    /// Finds the next of the openers. That of reasoning counts only where it may stand.
    fn next(&self, openers: &[&'static str], whole: bool) -> Found {
        let found = first(&self.text, openers, whole);
        let Some(reasoning) = self.format.reasoning.filter(|reasoning| !reasoning.anywhere && self.fresh) else { return found };
        let (Found::At(at, _) | Found::Maybe(at)) = found else { return found };
        if self.text[..at].trim().is_empty() {
            return found;
        }
        let others: Vec<_> = openers.iter().copied().filter(|mark| *mark != reasoning.open).collect();
        first(&self.text, &others, whole)
    }

    fn reasoning(&mut self, whole: bool) -> bool {
        let Some(reasoning) = self.format.reasoning else { return false };
        match first(&self.text, &[reasoning.close], whole) {
            Found::At(at, mark) => {
                let kept = self.text[..at].trim_end().len();
                let text: String = self.text.drain(..at + mark.len()).collect();
                self.give(&text[..kept]);
                self.switch(false);
                true
            }
            Found::Maybe(at) => self.keep(at),
            Found::Nothing => self.keep(self.text.len()),
        }
    }

    fn calls(&mut self) -> bool {
        let (Mode::Calls(section), Some(tools)) = (&mut self.mode, &self.tools) else { return false };
        for (at, c) in self.text.char_indices() {
            let step = section.push(c, tools, &mut self.out);
            if step == Step::More {
                continue;
            }
            let rest = self.text.split_off(at + c.len_utf8());
            if step == Step::Done {
                self.text = rest;
                self.switch(false);
                return true;
            }
            let (before, held) = section.held();
            let before = before.to_string();
            self.text = held.to_string() + &rest;
            // Only a section that gave nothing has something before it.
            if section.given() {
                self.switch(false);
            } else {
                self.mode = Mode::Content;
                self.bare = false;
                self.give(&before);
            }
            return true;
        }
        self.text.clear();
        false
    }

    /// A marker has been read: reasoning begins, or content.
    fn switch(&mut self, reasoning: bool) {
        self.mode = if reasoning { Mode::Reasoning } else { Mode::Content };
        (self.after, self.fresh, self.lent) = (true, true, 0);
    }

    /// Gives the text up to here, but for spaces at its end: a marker may follow them.
    fn keep(&mut self, at: usize) -> bool {
        let kept = self.text[..at].trim_end().len();
        let text: String = self.text.drain(..kept).collect();
        self.give(&text);
        false
    }

    /// Gives text of the part that it belongs to.
    fn give(&mut self, text: &str) {
        let lent = self.lent.min(text.len());
        let mut text = &text[lent..];
        self.lent -= lent;
        if text.is_empty() {
            return;
        }
        if self.after {
            let spaces = text.len() - text.trim_start().len();
            text = &text[text[..spaces].rfind('\n').map_or(0, |at| at + 1)..];
        }
        self.after = false;
        if matches!(self.mode, Mode::Reasoning) {
            self.out.reasoning(text);
        } else {
            self.fresh = false;
            self.out.content(text);
        }
    }
}
