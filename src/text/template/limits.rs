//! Bounds on what a template may do.
//!
//! A template is a program of whoever made the package. It must not stop the page or the process:
//! neither by running on, nor by taking all memory, nor by recursing until the stack ends. The
//! engine bounds only macros in each other. So steps are counted here: each turn of a loop and each
//! call of a macro takes as many as there are tags in the body. Bytes are counted for what is
//! printed, for what a variable is bound to, and for what filters and methods make. `source`
//! puts the calls into the templates. Each bound is far above what real templates need: a
//! conversation of 2,000 messages takes 27 million steps with Gemma 4's, whose loops over messages
//! are in each other, and far fewer with others. The bound on time is for what is left: single
//! operations that take long.

use std::fmt::{self, Write};

use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value};

use crate::clock;

/// A bound that a template goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What there is too much of.
    pub what: &'static str,
    /// How much there may be.
    pub most: u64,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} {}", self.most, self.what)
    }
}

impl std::error::Error for Limit {}

/// Why a template gave no prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// What it said, or the engine, with the line.
    Said(String),
    /// It goes over a bound.
    Limit(Limit),
}

impl From<Failure> for crate::ErrorKind {
    fn from(failure: Failure) -> crate::ErrorKind {
        match failure {
            Failure::Said(reason) => crate::ErrorKind::ChatTemplate { reason },
            Failure::Limit(Limit { what, most }) => crate::ErrorKind::ChatTemplateLimit { what, most },
        }
    }
}

/// Names that sources are given.
pub const BOUNDED: &str = "tegula_bounded";
pub const SPEND: &str = "tegula_spend";
pub const MANY: &str = "tegula_many";
pub const PERCENT: &str = "tegula_percent";

pub const STEPS: Limit = Limit { what: "steps", most: 100_000_000 };
const RECURSION: Limit = Limit { what: "levels of calls", most: 400 };
const NESTING: Limit = Limit { what: "operators and brackets in each other", most: 75 };
const PRINTED: Limit = Limit { what: "bytes printed", most: 1 << 26 };
/// For text of the source, which is counted although a branch may leave it out.
const TEXTS: Limit = Limit { most: 1 << 30, ..PRINTED };
const TEXT: Limit = Limit { what: "bytes in one value", most: 1 << 25 };
const ITEMS: Limit = Limit { what: "items in one value", most: 1 << 20 };
const RANGE: Limit = Limit { what: "items in one range", most: 100_000 };
const DEPTH: Limit = Limit { what: "values in each other", most: 150 };
const LOOKED: Limit = Limit { what: "values in bound variables", most: 50_000_000 };
const SECONDS: Limit = Limit { what: "seconds of work", most: 20 };

/// What a template has used so far.
struct Meter {
    printed: u64,
    steps: u64,
    /// Bytes that loops and macros can have printed as they stand in the source.
    text: u64,
    looked: u64,
    end: f64,
}

fn meter<'a>(state: &'a mut State<'_, '_>) -> &'a mut Meter {
    let start = || Meter { printed: 0, steps: 0, text: 0, looked: 0, end: clock::seconds() + SECONDS.most as f64 };
    state.get_or_insert_extension_with(start)
}

/// Puts the bounds into an environment.
pub fn bind(environment: &mut Environment<'static>, steps: u64) {
    let most = Limit { most: steps, ..STEPS };
    environment.set_recursion_limit(RECURSION.most as usize);
    environment.set_formatter(print);
    environment.add_function(SPEND, move |state: &mut State, text: u64, steps: u64, bound: Rest<Value>| {
        let meter = meter(state);
        meter.steps += steps;
        meter.text += text;
        check(meter.steps, most)?;
        check(meter.text, TEXTS)?;
        if clock::seconds() > meter.end {
            return over(SECONDS);
        }
        bound.iter().try_for_each(|value| size(value.as_str().map_or(0, str::len)))?;
        Ok(true)
    });
}

/// The filter that bounds a variable.
pub fn bind_value(state: &mut State, value: Value) -> Result<Value, Error> {
    bounded(state, &value).map(|()| value)
}

/// Filters of the engine that take all items of a value at once. The scan puts [`MANY`] before.
pub const TAKING_ALL: &[&str] = &[
    "list",
    "sort",
    "unique",
    "reverse",
    "map",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
    "groupby",
    "dictsort",
    "sum",
    "min",
    "max",
    "last",
    "zip",
    "chain",
    "string",
    "pprint",
];

/// The filter that bounds what such a filter takes, also as text.
pub fn take_all(value: Value, as_text: bool) -> Result<Value, Error> {
    items(&value)?;
    if as_text {
        text(&value)?;
    }
    Ok(value)
}

/// Whether a number of groups, or of items in one, is small enough.
pub fn groups(counts: &[Value]) -> Result<(), Error> {
    counts.iter().filter_map(Value::as_usize).try_for_each(|count| check(count as u64, ITEMS))
}

fn over<T>(limit: Limit) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, "a limit of chat templates").with_source(limit))
}

fn check(found: u64, limit: Limit) -> Result<(), Error> {
    if found > limit.most { over(limit) } else { Ok(()) }
}

/// Whether a text may have this many bytes.
pub fn size(bytes: usize) -> Result<(), Error> {
    check(bytes as u64, TEXT)
}

/// Whether a value has few enough items.
pub fn items(value: &Value) -> Result<(), Error> {
    let list = matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map);
    check(if list { value.len().unwrap_or(0) as u64 } else { 0 }, ITEMS)
}

/// Whether the items of a value may be joined.
pub fn joined(list: &Value, between: Option<&Value>) -> Result<(), Error> {
    items(list)?;
    let between = between.and_then(Value::as_str).map_or(0, str::len);
    let mut bytes = 0;
    for item in list.try_iter()? {
        bytes += between + text(&item)?;
        size(bytes)?;
    }
    Ok(())
}

/// The bytes of a value as text.
pub fn text(value: &Value) -> Result<usize, Error> {
    struct Count(usize);
    impl Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            size(self.0).map_err(|_| fmt::Error)
        }
    }
    if let Some(text) = value.as_str() {
        return Ok(text.len());
    }
    let mut count = Count(0);
    match write!(count, "{value}") {
        Ok(()) => Ok(count.0),
        Err(_) => over(TEXT),
    }
}

/// Whether a variable may be bound to a value.
fn bounded(state: &mut State, value: &Value) -> Result<(), Error> {
    if let Some(text) = value.as_str() {
        return size(text.len());
    }
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
        return Ok(());
    }
    let meter = meter(state);
    let mut bytes = 0;
    look(value, &mut bytes, &mut meter.looked, 0)?;
    if clock::seconds() > meter.end { over(SECONDS) } else { Ok(()) }
}

fn look(value: &Value, bytes: &mut usize, looked: &mut u64, depth: u64) -> Result<(), Error> {
    *looked += 1;
    check(*looked, LOOKED)?;
    check(depth, DEPTH)?;
    items(value)?;
    if let Some(text) = value.as_str() {
        *bytes += text.len();
        return size(*bytes);
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => value.try_iter()?.try_for_each(|item| look(&item, bytes, looked, depth + 1)),
        ValueKind::Map => value.try_iter()?.try_for_each(|key| {
            look(&key, bytes, looked, depth + 1)?;
            look(&value.get_item(&key)?, bytes, looked, depth + 1)
        }),
        _ => Ok(()),
    }
}

/// Prints a value, as the engine does, and counts.
fn print(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    struct Counted<'a, 'b>(&'a mut Output<'b>, u64);
    impl Write for Counted<'_, '_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.1 += text.len() as u64;
            if self.1 > PRINTED.most { Err(fmt::Error) } else { self.0.write_str(text) }
        }
    }
    let mut counted = Counted(out, meter(state).printed);
    let written = write!(counted, "{value}");
    let printed = counted.1;
    meter(state).printed = printed;
    if written.is_err() { over(PRINTED) } else { Ok(()) }
}

/// What the engine says, with what caused it: the reason is often in the last.
pub fn explain(error: &Error) -> Failure {
    let mut text = error.to_string();
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(limit) = error.downcast_ref::<Limit>() {
            return Failure::Limit(*limit);
        }
        if let Some(error) = error.downcast_ref::<Error>() {
            match error.detail().unwrap_or_default() {
                "recursion limit exceeded" => return Failure::Limit(RECURSION),
                "template exceeds maximum recursion limits" => return Failure::Limit(NESTING),
                "repeated string is too large" => return Failure::Limit(TEXT),
                "repeated sequence is too large" => return Failure::Limit(ITEMS),
                "range has too many elements" => return Failure::Limit(RANGE),
                _ => {}
            }
        }
        source = error.source();
    }
    source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    Failure::Said(text)
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
