//! Calls that are a name and arguments in tags.
//!
//! Values are plain text. The tool's schema says what each one is. Where it says that it is a text, it streams: it may be a whole file.

use serde_json::Value;

use super::json::Json;
use super::marks::begun;
use super::notation::python;
use super::shape::Tags;
use super::step::{Context, Step};
use super::value::{escaped, may_be_text, only_text, typed};

/// A name is at most so many bytes long.
const LONGEST: usize = 256;

/// The text is JSON up to the middle of a text.
fn within_text(value: &str) -> bool {
    let mut json = Json::new();
    let mut out = String::new();
    value.trim_start().chars().all(|c| json.push(c, &mut out) == Step::More) && json.is_within_text()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Name,
    /// Before an argument or the end.
    Between,
    Key,
    /// Before the tag that begins the value.
    Open,
    Value,
}

/// The state of the call.
#[derive(Debug)]
pub(super) struct Tagged {
    format: &'static Tags,
    at: At,
    /// What has been read and not used.
    text: String,
    name: String,
    arguments: usize,
    /// Whether the value is a text, where the model says so itself.
    said: Option<bool>,
    key: String,
    /// The value streams: it is a text, and its quotes are open.
    streams: bool,
    /// The value's first character has come.
    started: bool,
    /// Where in the text the value may have ended, within a text of its JSON. What follows tells.
    doubtful: Option<usize>,
}

impl Tagged {
    pub(super) fn new(format: &'static Tags) -> Tagged {
        let (text, name, key) = (String::new(), String::new(), String::new());
        Tagged { format, at: At::Name, text, name, arguments: 0, said: None, key, streams: false, started: false, doubtful: None }
    }

    pub(super) fn push(&mut self, c: char, context: &mut Context) -> Step {
        let format = self.format;
        if matches!(self.at, At::Between | At::Open) && self.text.is_empty() && c.is_whitespace() {
            return Step::More;
        }
        self.text.push(c);
        match self.at {
            At::Name => self.name(context),
            At::Between => self.between(context),
            At::Key => self.key(context),
            At::Open if self.text == format.value => {
                self.text.clear();
                self.open(context);
                Step::More
            }
            At::Open if format.value.starts_with(&self.text) => Step::More,
            At::Open => Step::Fail,
            At::Value => self.value(context),
        }
    }

    fn name(&mut self, context: &mut Context) -> Step {
        let Tags { name_end, key, end, .. } = self.format;
        let ends = if name_end.is_empty() { [*key, *end] } else { [*name_end, *name_end] };
        let Some((name, by)) = ends.iter().find_map(|by| Some((self.text.strip_suffix(by)?, *by))) else {
            return if self.text.len() > LONGEST { Step::Fail } else { Step::More };
        };
        let Some(name) = context.tools.find(name.trim()) else { return Step::Fail };
        self.name = name.to_string();
        context.call(None, &self.name);
        self.text.clear();
        self.at = At::Between;
        if name_end.is_empty() {
            self.text.push_str(by);
            return self.between(context);
        }
        Step::More
    }

    fn between(&mut self, context: &mut Context) -> Step {
        if self.text == self.format.key {
            self.text.clear();
            self.at = At::Key;
            Step::More
        } else if self.text == self.format.end {
            context.arguments(if self.arguments == 0 { "{}" } else { "}" });
            Step::Done
        } else if self.format.key.starts_with(&self.text) || self.format.end.starts_with(&self.text) {
            Step::More
        } else {
            Step::Fail
        }
    }

    fn key(&mut self, context: &mut Context) -> Step {
        let format = self.format;
        let Some(key) = self.text.strip_suffix(format.key_end) else {
            // If the end of the name is missing, another tag comes.
            let rest = self.text.len() - begun(&self.text, format.key_end);
            return if self.text[..rest].contains(['<', '>']) { Step::Fail } else { Step::More };
        };
        // An attribute may follow the name: `city" string="true`.
        let (key, attribute) = key.split_once('"').unwrap_or((key, ""));
        self.said = match attribute {
            _ if attribute.contains("\"true") => Some(true),
            _ if attribute.contains("\"false") => Some(false),
            _ => None,
        };
        self.key = key.trim().to_string();
        self.text.clear();
        if format.value.is_empty() {
            self.open(context)
        } else {
            self.at = At::Open
        }
        Step::More
    }

    /// The value begins.
    fn open(&mut self, context: &mut Context) {
        (self.at, self.started) = (At::Value, false);
        self.streams = self.said.unwrap_or_else(|| only_text(context.tools.schema(&self.name, &self.key)));
        if self.streams {
            self.member(context);
            context.arguments("\"");
        }
    }

    /// Writes what comes before a value.
    fn member(&mut self, context: &mut Context) {
        let before = if self.arguments == 0 { "{" } else { ", " };
        self.arguments += 1;
        context.arguments(&format!("{before}\"{}\": ", escaped(&self.key)));
    }

    fn value(&mut self, context: &mut Context) -> Step {
        if !self.started {
            self.started = true;
            if self.format.padded && self.text == "\n" {
                self.text.clear();
                return Step::More;
            }
        }
        let end = self.format.value_end;
        if let Some(place) = self.doubtful {
            let rest = self.text[place..].trim_start();
            if rest.is_empty() || [self.format.key, self.format.end].iter().any(|mark| mark.starts_with(rest)) {
                if rest != self.format.key && rest != self.format.end {
                    return Step::More;
                }
                let rest = rest.to_string();
                self.text.truncate(place);
                self.end(context);
                self.text = rest;
                return self.between(context);
            }
            self.doubtful = None;
        }
        if let Some(value) = self.text.strip_suffix(end) {
            if !self.streams && within_text(value) {
                self.doubtful = Some(self.text.len());
            } else {
                self.end(context);
            }
        } else if self.streams {
            let ready = self.text.len() - begun(&self.text, end);
            // The newline before the end is not the value's.
            let ready = if self.format.padded && self.text[..ready].ends_with('\n') { ready - 1 } else { ready };
            if ready > 0 {
                let rest = self.text.split_off(ready);
                context.arguments(&escaped(&self.text));
                context.held.text.push_str(&rest);
                self.text = rest;
            }
        }
        Step::More
    }

    /// The value has ended, and the tag that ends it is all that follows.
    fn end(&mut self, context: &mut Context) {
        let value = self.text.strip_suffix(self.format.value_end).unwrap_or(&self.text);
        let value = value.strip_suffix('\n').filter(|_| self.format.padded).unwrap_or(value).to_string();
        self.text.clear();
        (self.at, self.doubtful) = (At::Between, None);
        self.last(&value, context);
    }

    /// Writes a value or its rest.
    fn last(&mut self, value: &str, context: &mut Context) {
        if self.streams {
            context.arguments(&format!("{}\"", escaped(value)));
            return;
        }
        self.member(context);
        let schema = context.tools.schema(&self.name, &self.key).filter(|_| self.said.is_none());
        let value = match typed(value, schema) {
            Value::String(text) if !may_be_text(schema) => python(&text).unwrap_or(Value::String(text)),
            value => value,
        };
        context.arguments(&value.to_string());
    }

    /// The answer broke off. What there is of a value is given, as it is of JSON arguments.
    pub(super) fn finish(&mut self, context: &mut Context) {
        if self.at != At::Value {
            return;
        }
        if let Some(place) = self.doubtful {
            self.text.truncate(place);
            return self.end(context);
        }
        if !self.streams {
            self.member(context);
            context.arguments("\"");
        }
        context.arguments(&escaped(&self.text));
    }
}
