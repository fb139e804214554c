//! The calls of a section: markers around calls, and the machine that reads each call.

use super::headed::Headed;
use super::object::Object;
use super::piece::Out;
use super::shape::{Calls, PYTHON, Shape};
use super::step::{Context, Held, Step};
use super::tagged::Tagged;
use super::tools::Tools;
use super::written::Written;

/// Where in the section it is.
#[derive(Debug)]
enum At {
    /// Before a call's own marker.
    Opening,
    /// Before a call whose first characters say how it is written.
    Undecided(String),
    Object(Object),
    Headed(Headed),
    Tagged(Tagged),
    Written(Written),
    /// After a call.
    Between,
}

/// The state of a section.
#[derive(Debug)]
pub(super) struct Section {
    calls: &'static Calls,
    at: At,
    /// No marker said that calls follow.
    bare: bool,
    /// The beginning of a marker.
    mark: String,
    held: Held,
    /// Some call has been given.
    given: bool,
}

impl Section {
    /// Begins after the text `before`, which ends with `marker`. Without a marker the first character of the call comes next.
    pub(super) fn new(calls: &'static Calls, marker: Option<&str>, before: &str) -> Section {
        let held = Held { text: before.to_string(), before: before.len(), given: false };
        let mut section = Section { calls, at: At::Opening, bare: marker.is_none(), mark: String::new(), held, given: false };
        if calls.item.is_empty() || marker.is_some_and(|marker| calls.item.contains(&marker)) {
            section.at = section.item();
        }
        section
    }

    /// What reads the next call.
    fn item(&mut self) -> At {
        self.held.given = false;
        match &self.calls.shape {
            Shape::Plain(_) => At::Undecided(String::new()),
            Shape::Keyed => At::Object(Object::new(true, self.bare)),
            Shape::Headed(head) => At::Headed(Headed::new(head)),
            Shape::Tagged(tags) => At::Tagged(Tagged::new(tags)),
            Shape::Written(dialect) => At::Written(Written::new(dialect)),
        }
    }

    /// Takes a character. `Done` means that the section has ended, `Before` never comes.
    pub(super) fn push(&mut self, c: char, tools: &Tools, out: &mut Out) -> Step {
        self.held.text.push(c);
        let step = self.feed(c, tools, out);
        self.given |= self.held.given;
        step
    }

    /// Some call has been given.
    pub(super) fn given(&self) -> bool {
        self.given
    }

    fn feed(&mut self, c: char, tools: &Tools, out: &mut Out) -> Step {
        let mut context = Context { tools, out, held: &mut self.held };
        let step = match &mut self.at {
            At::Opening | At::Between => return self.marker(c, tools, out),
            At::Undecided(text) => {
                text.push(c);
                return self.decide(tools, out);
            }
            At::Object(object) => object.push(c, &mut context),
            At::Headed(headed) => headed.push(c, &mut context),
            At::Tagged(tagged) => tagged.push(c, &mut context),
            At::Written(written) => written.push(c, &mut context),
        };
        match step {
            Step::Done => {
                // What is left belongs to the call's notation.
                self.held.clear();
                self.at = At::Between;
                Step::More
            }
            Step::Before => {
                self.held.clear();
                self.held.text.push(c);
                self.at = At::Between;
                self.feed(c, tools, out)
            }
            step => step,
        }
    }

    /// Chooses between JSON and Python by the first characters.
    fn decide(&mut self, tools: &Tools, out: &mut Out) -> Step {
        let At::Undecided(text) = &mut self.at else { return Step::Fail };
        let mut chars = text.chars().filter(|c| !c.is_whitespace());
        let machine = match (chars.next(), chars.next()) {
            (None, _) | (Some('['), None) => return Step::More,
            (Some('['), Some(c)) if c.is_alphabetic() || c == '_' => At::Written(Written::new(&PYTHON)),
            (Some(c), _) if c.is_alphabetic() && !self.bare => At::Written(Written::new(&PYTHON)),
            _ => At::Object(Object::new(false, self.bare)),
        };
        let text = std::mem::take(text);
        self.at = machine;
        self.replay(&text, tools, out)
    }

    /// Gives characters that are in `held` already.
    fn replay(&mut self, text: &str, tools: &Tools, out: &mut Out) -> Step {
        for c in text.chars() {
            let step = self.feed(c, tools, out);
            if step != Step::More {
                return step;
            }
        }
        Step::More
    }

    /// Takes a character between calls, where markers are expected.
    fn marker(&mut self, c: char, tools: &Tools, out: &mut Out) -> Step {
        let calls = self.calls;
        let between = matches!(self.at, At::Between);
        // Small models write a bracket too many.
        let bracket = matches!(c, '}' | ']') && matches!(calls.shape, Shape::Plain(_)) && !self.bare;
        if self.mark.is_empty() && (c.is_whitespace() || between && (bracket || matches!(c, ',' | ';'))) {
            return Step::More;
        }
        self.mark.push(c);
        let mark = self.mark.as_str();
        if between && calls.close.contains(&mark) {
            return Step::Done;
        }
        if between && calls.item_end.contains(&mark) {
            self.mark.clear();
            self.held.clear();
        } else if calls.item.contains(&mark) || between && calls.item.is_empty() && calls.open.contains(&mark) {
            self.mark.clear();
            self.at = self.item();
        } else if between && calls.open.contains(&mark) {
            self.mark.clear();
            self.at = At::Opening;
        } else if between && matches!(calls.shape, Shape::Plain(_)) && mark.starts_with(['{', '[']) && !self.may_grow() {
            let text = std::mem::take(&mut self.mark);
            self.at = self.item();
            return self.replay(&text, tools, out);
        } else if !self.may_grow() {
            return Step::Fail;
        }
        Step::More
    }

    /// What has been read may become a marker.
    fn may_grow(&self) -> bool {
        let calls = self.calls;
        [calls.open, calls.item, calls.item_end, calls.close].iter().any(|marks| marks.iter().any(|mark| mark.starts_with(&self.mark)))
    }

    /// The text that no piece stands for: first what came before the section, then the rest.
    pub(super) fn held(&self) -> (&str, &str) {
        self.held.text.split_at(self.held.before)
    }

    /// The answer has ended. Gives the text that was no call.
    pub(super) fn finish(&mut self, tools: &Tools, out: &mut Out) -> String {
        if let At::Tagged(tagged) = &mut self.at {
            tagged.finish(&mut Context { tools, out, held: &mut self.held });
        }
        // After a call there is only its notation, perhaps broken off.
        let notation = self.held.given || matches!(self.at, At::Between);
        if notation { String::new() } else { std::mem::take(&mut self.held.text) }
    }
}
