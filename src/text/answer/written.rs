//! Calls as a programming language writes them, `name(key='text')`, alone or in a list.
//!
//! Their values have to be translated, and a bracket that is missing shows only at the end. So a call is given once it is whole.

use serde_json::Value;

use super::marks::begun;
use super::notation::arguments;
use super::shape::Dialect;
use super::step::{Context, Step};

#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Start,
    Name,
    Body,
    /// Between the calls of a list.
    List,
}

/// What a text within the arguments ends with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Quote {
    Char(char),
    Marker,
}

/// The state of the call that is being read, and of the list around it.
#[derive(Debug)]
pub(super) struct Written {
    dialect: &'static Dialect,
    at: At,
    list: bool,
    name: String,
    body: String,
    /// Brackets that are open within the arguments.
    depth: usize,
    quote: Option<Quote>,
    escape: bool,
    /// Some call has been given.
    any: bool,
}

impl Written {
    pub(super) fn new(dialect: &'static Dialect) -> Written {
        let (name, body) = (String::new(), String::new());
        Written { dialect, at: At::Start, list: false, name, body, depth: 0, quote: None, escape: false, any: false }
    }

    pub(super) fn push(&mut self, c: char, context: &mut Context) -> Step {
        match self.at {
            At::Start | At::List if c.is_whitespace() => Step::More,
            At::Start if c == '[' && !self.list => {
                (self.list, self.at) = (true, At::List);
                Step::More
            }
            At::List if c == ',' => Step::More,
            At::List if c == ']' => Step::Done,
            At::Start | At::List if c.is_alphabetic() || c == '_' => {
                context.held.given = false;
                self.name.clear();
                self.name.push(c);
                self.at = At::Name;
                Step::More
            }
            At::List if self.any => Step::Before,
            At::Name if c == self.dialect.open => {
                if context.tools.find(self.name.trim()).is_none() {
                    return Step::Fail;
                }
                self.body.clear();
                (self.at, self.depth, self.quote) = (At::Body, 0, None);
                Step::More
            }
            At::Name if c.is_alphanumeric() || matches!(c, '_' | '-' | '.') => {
                self.name.push(c);
                Step::More
            }
            At::Body => self.body(c, context),
            _ => Step::Fail,
        }
    }

    fn body(&mut self, c: char, context: &mut Context) -> Step {
        if self.quote.is_none() && self.depth == 0 && c == self.dialect.close {
            return self.ended(context);
        }
        self.body.push(c);
        let marker = self.dialect.quote;
        let marked = !marker.is_empty() && self.body.ends_with(marker);
        match self.quote {
            Some(Quote::Marker) if marked => self.quote = None,
            Some(Quote::Char(_)) if self.escape => self.escape = false,
            Some(Quote::Char(_)) if c == '\\' => self.escape = true,
            Some(Quote::Char(quote)) if c == quote => self.quote = None,
            Some(_) => {}
            None if marked => self.quote = Some(Quote::Marker),
            // A quote may be a part of the marker.
            None if c == '"' && begun(&self.body, marker) == 0 => self.quote = Some(Quote::Char(c)),
            None if c == '\'' && !self.dialect.bare_keys => self.quote = Some(Quote::Char(c)),
            None if matches!(c, '(' | '[' | '{') => self.depth += 1,
            None if matches!(c, ')' | ']' | '}') => match self.depth.checked_sub(1) {
                Some(depth) => self.depth = depth,
                None => return Step::Fail,
            },
            None => {}
        }
        Step::More
    }

    fn ended(&mut self, context: &mut Context) -> Step {
        let tools = context.tools;
        let Some(name) = tools.find(&self.name) else { return Step::Fail };
        let Some(members) = arguments(&self.body, self.dialect, |key| tools.schema(name, key)) else { return Step::Fail };
        context.call(None, name);
        context.arguments(&Value::Object(members).to_string());
        (self.any, self.at) = (true, At::List);
        if self.list { Step::More } else { Step::Done }
    }
}
