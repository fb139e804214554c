//! What Python and its Jinja have and the engine lacks: methods of texts and lists, filters, tests.
//!
//! Methods that change a list or a dict are missing on purpose: transformers forbids them. So is
//! `random`, with which a prompt would not repeat, and what makes or cleans HTML and addresses. What makes texts keeps to `limits.rs`.

use minijinja::formatting::FormatStyle;
use minijinja::value::{Rest, Tuple, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters};

use super::arguments::{failed, named};
use super::limits;
use super::text::{Side, formatted, lines, padded, replaced, split, truncate};

/// Adds filters, tests and functions.
pub fn bind(environment: &mut Environment<'static>) {
    for name in FILTERS {
        environment
            .add_filter(*name, |state: &mut State, value: Value, rest: Rest<ValueOrKwargs>| filter(name, state, value, rest.into_values()));
    }
    environment.add_test("sequence", |value: &Value| match value.kind() {
        ValueKind::String | ValueKind::Bytes | ValueKind::Seq | ValueKind::Map | ValueKind::Undefined => true,
        // Ranges, slices and sums of lists, but not what a filter yields.
        ValueKind::Iterable => value.len().is_some(),
        _ => false,
    });
    // Python iterates over nothing where the engine iterates over none.
    environment.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
}

/// All filters that are ours, in one function: each of its own would add to what a page loads.
const FILTERS: &[&str] =
    &[limits::BOUNDED, limits::MANY, limits::PERCENT, "batch", "center", "format", "join", "replace", "slice", "truncate", "wordcount"];

fn filter(name: &str, state: &mut State, value: Value, args: Vec<Value>) -> Result<Value, Error> {
    let engines = |state: &mut State, function: Value| {
        let mut given = vec![value.clone()];
        given.extend(args.iter().cloned());
        function.call(state, &given)
    };
    let text = || value.to_string();
    Ok(match name {
        limits::BOUNDED => limits::bind_value(state, value)?,
        limits::MANY => limits::take_all(value, !args.is_empty())?,
        limits::PERCENT => percent(&value, args.into_iter().next().unwrap_or_default())?,
        "batch" | "slice" => {
            limits::items(&value)?;
            limits::groups(&args)?;
            let function = if name == "batch" { Value::from_function(filters::batch) } else { Value::from_function(filters::slice) };
            engines(state, function)?
        }
        "join" => {
            limits::joined(&value, args.first())?;
            engines(state, Value::from_function(filters::join))?
        }
        "center" => {
            let [width, ..] = named(&args, &["width"])?;
            padded(&text(), width.map_or(Ok(80), usize::try_from)?, ' ', Side::Both)?.into()
        }
        "format" => formatted(FormatStyle::Printf, &text(), &args)?.into(),
        "replace" => {
            let [old, new, count, ..] = named(&args, &["old", "new", "count"])?;
            let of = |value: Option<Value>| value.map(|value| value.to_string()).ok_or_else(|| Error::from(ErrorKind::MissingArgument));
            replaced(&text(), &of(old)?, &of(new)?, integer(count)?.unwrap_or(-1))?.into()
        }
        "truncate" => truncate(&text(), &args)?.into(),
        // "wordcount"
        _ => {
            let text = text();
            text.split(|char: char| !char.is_alphanumeric() && char != '_').filter(|word| !word.is_empty()).count().into()
        }
    })
}

fn integer(value: Option<Value>) -> Result<Option<i64>, Error> {
    value.map(i64::try_from).transpose()
}

/// An argument that must be a text.
fn word(value: &Option<Value>) -> Result<&str, Error> {
    value.as_ref().and_then(Value::as_str).ok_or_else(|| failed("expected a string"))
}

/// `%`: formats where the left side is a text.
fn percent(left: &Value, right: Value) -> Result<Value, Error> {
    if let Some(text) = left.as_str() {
        let several: Vec<Value> = if right.is_tuple() { right.try_iter()?.collect() } else { vec![right] };
        return formatted(FormatStyle::Printf, text, &several).map(Value::from);
    }
    let number = |value: &Value| matches!(value.kind(), ValueKind::Number | ValueKind::Bool);
    if !number(left) || !number(&right) {
        return Err(failed(format!("tried to use % operator on unsupported types {} and {}", left.kind(), right.kind())));
    }
    let by_zero = || failed(format!("unable to calculate {left} % {right}"));
    // The remainder has the sign of the right side.
    let whole = |value: &Value| value.is_integer() || value.kind() == ValueKind::Bool;
    if whole(left) && whole(&right) {
        let (left, right) = (i128::try_from(left.clone())?, i128::try_from(right.clone())?);
        let rest = left.checked_rem(right).ok_or_else(by_zero)?;
        return Ok(Value::from(if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest }));
    }
    let (left, right) = (f64::try_from(left.clone())?, f64::try_from(right.clone())?);
    if right == 0.0 {
        return Err(by_zero());
    }
    let rest = left % right;
    Ok(Value::from(if rest != 0.0 && (rest < 0.0) != (right < 0.0) { rest + right } else { rest }))
}

/// A method that the engine does not know.
pub fn method(_state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let found = match value.as_str() {
        Some(text) => text_method(text, name, args)?,
        None => other_method(value, name, args)?,
    };
    found.ok_or_else(|| ErrorKind::UnknownMethod.into())
}

/// The part of a text between two places, counted as Python counts, and the characters before it.
fn part(text: &str, start: Option<i64>, end: Option<i64>) -> Option<(&str, usize)> {
    let count = text.chars().count() as i64;
    let place = |at: i64| if at < 0 { (count + at).max(0) } else { at.min(count) };
    let (from, to) = (place(start.unwrap_or(0)), place(end.unwrap_or(count)));
    if from > to || start.unwrap_or(0) > count {
        return None;
    }
    let byte = |at: i64| text.char_indices().nth(at as usize).map_or(text.len(), |(byte, _)| byte);
    Some((&text[byte(from)..byte(to)], from as usize))
}

fn text_method(text: &str, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let three = |values: Vec<&str>| Value::from(Tuple::from(values.into_iter().map(Value::from).collect::<Vec<_>>()));
    Ok(Some(match name {
        "removeprefix" => {
            let [prefix, ..] = named(args, &["prefix"])?;
            text.strip_prefix(word(&prefix)?).unwrap_or(text).into()
        }
        "removesuffix" => {
            let [suffix, ..] = named(args, &["suffix"])?;
            text.strip_suffix(word(&suffix)?).unwrap_or(text).into()
        }
        "partition" | "rpartition" => {
            let [by, ..] = named(args, &["sep"])?;
            let by = word(&by)?;
            if by.is_empty() {
                return Err(failed("empty separator"));
            }
            let found = if name == "partition" { text.split_once(by) } else { text.rsplit_once(by) };
            match (found, name) {
                (Some((before, after)), _) => three(vec![before, by, after]),
                (None, "partition") => three(vec![text, "", ""]),
                (None, _) => three(vec!["", "", text]),
            }
        }
        "split" | "rsplit" => {
            let [by, most, ..] = named(args, &["sep", "maxsplit"])?;
            let most = integer(most)?.and_then(|most| usize::try_from(most).ok());
            let by = by.as_ref().map(|by| by.as_str().filter(|by| !by.is_empty()).ok_or_else(|| failed("empty separator"))).transpose()?;
            split(text, by, most, name == "rsplit").into_iter().map(Value::from).collect()
        }
        "splitlines" => {
            let [keep, ..] = named(args, &["keepends"])?;
            lines(text, keep.is_some_and(|keep| keep.is_true())).into_iter().map(Value::from).collect()
        }
        "find" | "rfind" | "index" | "rindex" | "count" => {
            let [what, start, end, ..] = named(args, &["sub", "start", "end"])?;
            let (what, within) = (word(&what)?, part(text, integer(start)?, integer(end)?));
            if name == "count" {
                return Ok(Some(Value::from(within.map_or(0, |(within, _)| within.matches(what).count()))));
            }
            let found = within.and_then(|(within, before)| {
                let byte = if name.starts_with('r') { within.rfind(what) } else { within.find(what) }?;
                Some((before + within[..byte].chars().count()) as i64)
            });
            match found {
                None if name.ends_with("index") => return Err(failed("substring not found")),
                found => Value::from(found.unwrap_or(-1)),
            }
        }
        "startswith" | "endswith" => {
            let [what, start, end, ..] = named(args, &["what", "start", "end"])?;
            let what = what.filter(|what| matches!(what.kind(), ValueKind::String | ValueKind::Seq));
            let what = what.ok_or_else(|| failed("expected a string or a tuple of strings"))?;
            let Some((within, _)) = part(text, integer(start)?, integer(end)?) else { return Ok(Some(false.into())) };
            let fits = |what: &str| if name == "startswith" { within.starts_with(what) } else { within.ends_with(what) };
            match what.as_str() {
                Some(what) => fits(what).into(),
                None => what.try_iter()?.any(|what| what.as_str().is_some_and(fits)).into(),
            }
        }
        "center" | "ljust" | "rjust" => {
            let [width, fill, _, ..] = named(args, &["width", "fillchar", "_"])?;
            let width = integer(width)?.unwrap_or(0);
            let fill = fill.as_ref().and_then(Value::as_str).and_then(|fill| fill.chars().next());
            let side = match name {
                "center" => Side::Both,
                "ljust" => Side::Right,
                _ => Side::Left,
            };
            padded(text, usize::try_from(width).unwrap_or(0), fill.unwrap_or(' '), side)?.into()
        }
        "zfill" => {
            let [width, ..] = named(args, &["width"])?;
            let width = integer(width)?.unwrap_or(0);
            let sign = usize::from(text.starts_with(['-', '+']));
            let width = usize::try_from(width).unwrap_or(0).saturating_sub(sign);
            (text[..sign].to_owned() + &padded(&text[sign..], width, '0', Side::Left)?).into()
        }
        "replace" => {
            let [old, new, count, ..] = named(args, &["old", "new", "count"])?;
            replaced(text, word(&old)?, word(&new)?, integer(count)?.unwrap_or(-1))?.into()
        }
        "format" => formatted(FormatStyle::StrFormat, text, args)?.into(),
        "join" => {
            let [values, ..] = named(args, &["iterable"])?;
            let values = values.unwrap_or_default();
            limits::joined(&values, Some(&Value::from(text)))?;
            let mut out = String::new();
            for (index, value) in values.try_iter()?.enumerate() {
                out.push_str(if index > 0 { text } else { "" });
                out.push_str(&value.to_string());
            }
            out.into()
        }
        "upper" => text.to_uppercase().into(),
        "lower" => text.to_lowercase().into(),
        "title" => filters::title(text.into()).into(),
        "capitalize" => {
            let mut rest = text.chars();
            let first = rest.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
            (first + &rest.as_str().to_lowercase()).into()
        }
        "strip" | "lstrip" | "rstrip" => {
            let [chars, ..] = named(args, &["chars"])?;
            let chars = chars.as_ref().map(|_| word(&chars)).transpose()?;
            let cut = |char: char| chars.map_or_else(|| char.is_whitespace(), |chars| chars.contains(char));
            let text = if name == "rstrip" { text } else { text.trim_start_matches(cut) };
            if name == "lstrip" { text } else { text.trim_end_matches(cut) }.into()
        }
        "islower" => (text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)).into(),
        "isupper" => (text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)).into(),
        "isascii" => text.is_ascii().into(),
        "isspace" | "isdigit" | "isnumeric" | "isdecimal" | "isalnum" | "isalpha" => {
            let is = match name {
                "isspace" => char::is_whitespace,
                "isalnum" => char::is_alphanumeric,
                "isalpha" => char::is_alphabetic,
                _ => char::is_numeric,
            };
            (!text.is_empty() && text.chars().all(is)).into()
        }
        "casefold" => text.to_lowercase().replace('ß', "ss").into(),
        _ => return Ok(None),
    }))
}

fn other_method(value: &Value, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match (value.kind(), name) {
        (ValueKind::Seq | ValueKind::Iterable, "index") => {
            let [what, ..] = named(args, &["value"])?;
            let what = what.unwrap_or_else(|| Value::from(()));
            let place = value.try_iter()?.position(|item| item == what);
            place.map(Value::from).ok_or_else(|| failed(format!("{what} is not in list")))?
        }
        (ValueKind::Seq | ValueKind::Iterable, "count") => {
            let [what, ..] = named(args, &["value"])?;
            let what = what.unwrap_or_else(|| Value::from(()));
            value.try_iter()?.filter(|item| *item == what).count().into()
        }
        (ValueKind::Map, "keys" | "values" | "items") => {
            let [..] = named(args, &[])?;
            let mut out = Vec::new();
            for key in value.try_iter()? {
                let member = value.get_item(&key)?;
                out.push(match name {
                    "keys" => key,
                    "values" => member,
                    _ => Value::from(Tuple::from([key, member])),
                });
            }
            out.into()
        }
        (ValueKind::Map, "get") => {
            let [key, or, ..] = named(args, &["key", "default"])?;
            let member = key.and_then(|key| value.as_object()?.get_value(&key));
            member.or(or).unwrap_or_else(|| Value::from(()))
        }
        (ValueKind::Seq | ValueKind::Iterable | ValueKind::Map, "copy") => {
            let [..] = named(args, &[])?;
            value.clone()
        }
        _ => return Ok(None),
    }))
}

#[cfg(test)]
#[path = "python_tests.rs"]
mod tests;
