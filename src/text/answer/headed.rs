//! Calls that are a name, a separator, and arguments as JSON.

use super::json::Json;
use super::shape::{Head, Part};
use super::step::{Context, Step};

/// A head is at most so many bytes long.
const LONGEST: usize = 256;

/// The state of the call.
#[derive(Debug)]
pub(super) struct Headed {
    format: &'static Head,
    head: String,
    /// Id and name, once the head has ended.
    named: Option<(Option<String>, String)>,
    /// The arguments, once they have begun.
    json: Option<Json>,
}

impl Headed {
    pub(super) fn new(format: &'static Head) -> Headed {
        Headed { format, head: String::new(), named: None, json: None }
    }

    pub(super) fn push(&mut self, c: char, context: &mut Context) -> Step {
        if let Some(json) = &mut self.json {
            let mut text = String::new();
            let step = json.push(c, &mut text);
            if step != Step::Fail {
                context.arguments(&text);
            }
            return step;
        }
        if let Some((id, name)) = &mut self.named {
            match c {
                '{' => {
                    context.call(id.take(), name);
                    self.json = Some(Json::new());
                    self.push(c, context)
                }
                _ if c.is_whitespace() => Step::More,
                _ => Step::Fail,
            }
        } else {
            self.head.push(c);
            if let Some(head) = self.head.strip_suffix(self.format.end) {
                self.named = read(head, self.format).and_then(|(id, name)| Some((id, context.tools.find(name)?.to_string())));
                if self.named.is_some() { Step::More } else { Step::Fail }
            } else if self.head.len() > LONGEST || matches!(c, '{' | '"') {
                // Arguments have begun, and what ends the head is missing.
                Step::Fail
            } else {
                Step::More
            }
        }
    }
}

/// Id and name of a call.
fn read<'a>(head: &'a str, format: &Head) -> Option<(Option<String>, &'a str)> {
    let (mut id, mut name) = (None, None);
    let mut rest = Some(head);
    for (at, part) in format.parts.iter().enumerate() {
        // A part that is missing leaves the others as they are.
        let Some(text) = rest else { break };
        let (text, after) = match text.split_once(format.split) {
            Some((text, after)) if at + 1 < format.parts.len() => (text, Some(after)),
            _ => (text, None),
        };
        rest = after;
        let word = text.trim().split(|c: char| c.is_whitespace() || c == '<').next()?;
        match part {
            Part::Name => name = Some(word),
            Part::Id => id = Some(word),
            Part::Path => {
                id = Some(word);
                name = word.rsplit_once(':').map_or(Some(word), |(name, _)| Some(name));
            }
            Part::Kind => {}
        }
    }
    Some((id.filter(|id| !id.is_empty()).map(str::to_string), name?))
}
