//! What Python and its Jinja have and the engine lacks: methods of texts and lists, filters, tests.
//!
//! Methods that change a list or a dict are missing on purpose: transformers forbids them. So is
//! `random`, with which a prompt would not repeat. What makes texts keeps to `limits.rs`.

use minijinja::formatting::FormatStyle;
use minijinja::value::{Kwargs, Rest, Tuple, ValueKind, ValueOrKwargs, from_args};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters};
use minijinja_contrib::{globals, pycompat};

use super::limits;
use super::text::{Side, expanded, formatted, lines, padded, replaced, split, truncate, urlencode, wordwrap};

/// Adds filters, tests and functions.
pub fn bind(environment: &mut Environment<'static>) {
    environment.add_filter("center", |text: &str, width: Option<usize>| padded(text, width.unwrap_or(80), ' ', Side::Both));
    environment.add_filter("truncate", truncate);
    environment.add_filter("wordcount", |text: &str| {
        text.split(|char: char| !char.is_alphanumeric() && char != '_').filter(|word| !word.is_empty()).count()
    });
    environment.add_filter("wordwrap", wordwrap);
    environment.add_filter("striptags", |text: String| minijinja_contrib::filters::striptags(text));
    environment.add_filter("filesizeformat", minijinja_contrib::filters::filesizeformat);
    environment.add_filter("urlencode", |value: &Value| urlencode(value));
    environment.add_filter("forceescape", |state: &mut State, value: Value| filters::escape(state, &Value::from(value.to_string())));
    environment.add_filter("replace", |text: Value, old: Value, new: Value, count: Option<i64>| {
        replaced(&text.to_string(), &old.to_string(), &new.to_string(), count.unwrap_or(-1)).map(Value::from)
    });
    environment.add_filter("format", |text: &str, given: Rest<ValueOrKwargs>| formatted(FormatStyle::Printf, text, &given.into_values()));
    environment.add_filter("tegula_percent", percent);
    environment.add_test("sequence", |value: &Value| match value.kind() {
        ValueKind::String | ValueKind::Bytes | ValueKind::Seq | ValueKind::Map | ValueKind::Undefined => true,
        // Ranges, slices and sums of lists, but not what a filter yields.
        ValueKind::Iterable => value.len().is_some(),
        _ => false,
    });
    // Python iterates over nothing where the engine iterates over none.
    environment.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
    environment.add_test("callable", |value: &Value| value.kind() == ValueKind::Plain);
    environment.add_function("joiner", globals::joiner);
    environment.add_function("cycler", |items: Rest<Value>| globals::cycler(items.to_vec()));
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
pub fn method(state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let found = match value.as_str() {
        Some(text) => text_method(text, name, args)?,
        None => other_method(value, name, args)?,
    };
    match found {
        Some(found) => Ok(found),
        None => pycompat::unknown_method_callback(state, value, name, args),
    }
}

pub fn failed(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason.into())
}

/// Arguments by place or name; those left out are none.
pub fn named<const N: usize>(args: &[Value], names: [&str; N]) -> Result<[Option<Value>; N], Error> {
    let (places, options) = match args.split_last() {
        Some((last, places)) if last.is_kwargs() => (places, Kwargs::try_from(last.clone())?),
        _ => (args, std::iter::empty::<(&str, Value)>().collect()),
    };
    if places.len() > N {
        return Err(ErrorKind::TooManyArguments.into());
    }
    let mut out = [const { None }; N];
    for (index, name) in names.into_iter().enumerate() {
        let value = match places.get(index) {
            Some(value) => Some(value.clone()),
            None => options.get::<Option<Value>>(name)?,
        };
        out[index] = value.filter(|value| !value.is_none());
    }
    options.assert_all_used()?;
    Ok(out)
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
            let (prefix,): (&str,) = from_args(args)?;
            text.strip_prefix(prefix).unwrap_or(text).into()
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            text.strip_suffix(suffix).unwrap_or(text).into()
        }
        "partition" | "rpartition" => {
            let (by,): (&str,) = from_args(args)?;
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
            let [by, most] = named(args, ["sep", "maxsplit"])?;
            let most = most.map(i64::try_from).transpose()?.and_then(|most| usize::try_from(most).ok());
            let by = by.as_ref().map(|by| by.as_str().filter(|by| !by.is_empty()).ok_or_else(|| failed("empty separator"))).transpose()?;
            split(text, by, most, name == "rsplit").into_iter().map(Value::from).collect()
        }
        "splitlines" => {
            let [keep] = named(args, ["keepends"])?;
            lines(text, keep.is_some_and(|keep| keep.is_true())).into_iter().map(Value::from).collect()
        }
        "find" | "rfind" | "index" | "rindex" | "count" => {
            let (what, start, end): (&str, Option<i64>, Option<i64>) = from_args(args)?;
            let within = part(text, start, end);
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
        "startswith" | "endswith" if args.len() > 1 => {
            let (what, start, end): (&Value, Option<i64>, Option<i64>) = from_args(args)?;
            let Some((within, _)) = part(text, start, end) else { return Ok(Some(false.into())) };
            let fits = |what: &str| if name == "startswith" { within.starts_with(what) } else { within.ends_with(what) };
            match what.as_str() {
                Some(what) => fits(what).into(),
                None => what.try_iter()?.any(|what| what.as_str().is_some_and(fits)).into(),
            }
        }
        "center" | "ljust" | "rjust" => {
            let (width, fill): (i64, Option<char>) = from_args(args)?;
            let side = match name {
                "center" => Side::Both,
                "ljust" => Side::Right,
                _ => Side::Left,
            };
            padded(text, usize::try_from(width).unwrap_or(0), fill.unwrap_or(' '), side)?.into()
        }
        "zfill" => {
            let (width,): (i64,) = from_args(args)?;
            let sign = usize::from(text.starts_with(['-', '+']));
            let width = usize::try_from(width).unwrap_or(0).saturating_sub(sign);
            (text[..sign].to_owned() + &padded(&text[sign..], width, '0', Side::Left)?).into()
        }
        "expandtabs" => {
            let [size] = named(args, ["tabsize"])?;
            let size = size.map(i64::try_from).transpose()?.map_or(8, |size| usize::try_from(size).unwrap_or(0));
            expanded(text, size)?.into()
        }
        "replace" => {
            let (old, new, count): (&str, &str, Option<i64>) = from_args(args)?;
            replaced(text, old, new, count.unwrap_or(-1))?.into()
        }
        "format" => formatted(FormatStyle::StrFormat, text, args)?.into(),
        "format_map" => {
            let (members,): (&Value,) = from_args(args)?;
            let mut given = Vec::new();
            for key in members.try_iter()? {
                given.push((key.to_string(), members.get_item(&key)?));
            }
            let given: Kwargs = given.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
            formatted(FormatStyle::StrFormat, text, &[given.into()])?.into()
        }
        "join" => {
            let (values,): (&Value,) = from_args(args)?;
            limits::joined(values, Some(&Value::from(text)))?;
            return Ok(None);
        }
        "casefold" => text.to_lowercase().replace('ß', "ss").into(),
        "swapcase" => {
            let swap = |char: char| if char.is_uppercase() { char.to_lowercase().to_string() } else { char.to_uppercase().to_string() };
            text.chars().map(swap).collect::<String>().into()
        }
        "isdecimal" => (!text.is_empty() && text.chars().all(|char| char.is_ascii_digit())).into(),
        "isidentifier" => {
            let first = text.starts_with(|char: char| char.is_alphabetic() || char == '_');
            (first && text.chars().all(|char| char.is_alphanumeric() || char == '_')).into()
        }
        "isprintable" => (!text.chars().any(|char| char.is_control() || char.is_whitespace() && char != ' ')).into(),
        "istitle" => {
            let cased = text.chars().any(|char| char.is_lowercase() || char.is_uppercase());
            (cased && filters::title(text.into()) == text).into()
        }
        _ => return Ok(None),
    }))
}

fn other_method(value: &Value, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match (value.kind(), name) {
        (ValueKind::Seq | ValueKind::Iterable, "index") => {
            let (what,): (&Value,) = from_args(args)?;
            let place = value.try_iter()?.position(|item| item == *what);
            place.map(Value::from).ok_or_else(|| failed(format!("{what} is not in list")))?
        }
        (ValueKind::Iterable, "count") => {
            let (what,): (&Value,) = from_args(args)?;
            value.try_iter()?.filter(|item| item == what).count().into()
        }
        (ValueKind::Seq | ValueKind::Iterable | ValueKind::Map, "copy") => {
            let () = from_args(args)?;
            value.clone()
        }
        _ => return Ok(None),
    }))
}

#[cfg(test)]
#[path = "python_tests.rs"]
mod tests;
