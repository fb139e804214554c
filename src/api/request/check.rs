//! Holds a request against the tables of `fields`. Whatever is wrong has the path of its field, what was given and what is allowed.

use serde_json::{Map, Value};

use super::fields::{CHAT, COMPLETION, EXTRA, Field, Form, Rule, SHARED};
use crate::{ErrorKind, Result};

/// Checks the fields of a request that has those of `own`, and the shared ones.
pub(super) fn check(request: &Map<String, Value>, own: &[Field]) -> Result<()> {
    let fields: Vec<&Field> = own.iter().chain(SHARED).collect();
    object("", request, &fields)
}

fn object(path: &str, members: &Map<String, Value>, fields: &[&Field]) -> Result<()> {
    // First what is unknown: a required field that is missing may only be misspelt.
    if let Some(name) = members.keys().find(|name| fields.iter().all(|field| field.name != *name)) {
        return Err(ErrorKind::UnknownField { field: join(path, name), advice: advice(path, name, fields) }.into());
    }
    for field in fields {
        let given = members.get(field.name);
        let path = || join(path, field.name);
        match (&field.rule, given) {
            (Rule::Needs(form), None) => return Err(missing(path(), &form.allowed())),
            (Rule::Needs(form) | Rule::Takes(form), Some(given)) if !given.is_null() || matches!(field.rule, Rule::Needs(_)) => {
                value(&path(), given, form)?;
            }
            (Rule::Refused { idle, instead }, Some(given)) if !given.is_null() && !idle(given) => {
                return Err(unsupported(path(), given, (*instead).into()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn value(path: &str, given: &Value, form: &Form) -> Result<()> {
    match (form, given) {
        (Form::Flag, Value::Bool(_)) | (Form::Text, Value::String(_)) | (Form::Any, Value::Object(_)) => Ok(()),
        (&Form::Number(low, high, _), Value::Number(number)) => {
            let within = number.as_f64().is_some_and(|number| (low..=high).contains(&number));
            if within { Ok(()) } else { Err(range(path, given, form.allowed())) }
        }
        (&Form::Whole(low, high, _), Value::Number(_)) => match whole(given) {
            Some(number) if (low..=high).contains(&number) => Ok(()),
            _ => Err(range(path, given, form.allowed())),
        },
        (Form::Word(words), Value::String(word)) => match words.contains(&word.as_str()) {
            true => Ok(()),
            false => Err(unsupported(path.into(), given, form.allowed())),
        },
        (Form::Object(fields), Value::Object(members)) => object(path, members, &fields.iter().collect::<Vec<_>>()),
        (&Form::Ids(low, high), Value::Object(members)) => {
            members.iter().try_for_each(|(id, bias)| match (id.parse::<u32>(), bias.as_f64()) {
                (Ok(_), Some(number)) if (low..=high).contains(&number) => Ok(()),
                (Ok(_), Some(_)) => Err(range(&join(path, id), bias, format!("a number from {low} to {high}"))),
                (Ok(_), None) => Err(wrong(&join(path, id), bias, format!("a number from {low} to {high}"))),
                (Err(_), _) => {
                    let value = format!("an object with the key {}", shown(&id.as_str().into()));
                    Err(ErrorKind::FieldType { field: path.into(), value, allowed: form.allowed() }.into())
                }
            })
        }
        (&Form::List(of, least, most, _), Value::Array(items)) => {
            if !(least..=most).contains(&items.len()) {
                return Err(range(path, given, form.allowed()));
            }
            items.iter().enumerate().try_for_each(|(index, item)| value(&format!("{path}[{index}]"), item, of))
        }
        (Form::Either(text, other), _) => match given {
            Value::String(_) => value(path, given, text),
            Value::Array(_) if matches!(other, Form::List(..)) => value(path, given, other),
            Value::Object(_) if matches!(other, Form::Any | Form::Object(_)) => value(path, given, other),
            _ => Err(wrong(path, given, form.allowed())),
        },
        _ => Err(wrong(path, given, form.allowed())),
    }
}

impl Form {
    /// What is allowed, for people.
    fn allowed(&self) -> String {
        match *self {
            Form::Flag => "true or false".into(),
            Form::Text => "a text".into(),
            Form::Number(.., allowed) | Form::Whole(.., allowed) | Form::List(.., allowed) => allowed.into(),
            Form::Word(words) => format!("only \"{}\" is", words.join("\" or \"")),
            Form::Any | Form::Object(_) => "an object".into(),
            Form::Ids(low, high) => format!("an object from token ids to numbers from {low} to {high}"),
            Form::Either(one, other) => format!("{} or {}", one.allowed(), other.allowed()),
        }
    }
}

/// A whole number, which JSON may write as `5.0` or `1e3`.
pub(super) fn whole(value: &Value) -> Option<i64> {
    let exact = |number: &f64| number.fract() == 0.0 && number.abs() < 2f64.powi(63);
    value.as_i64().or_else(|| value.as_f64().filter(exact).map(|number| number as i64))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}

/// What to do about a field that nobody knows.
fn advice(path: &str, name: &str, fields: &[&Field]) -> String {
    let nearest = fields.iter().map(|field| (strsim::osa_distance(field.name, name), field.name)).min();
    let has = |fields: &[Field]| fields.iter().any(|field| field.name == name);
    let top = path.is_empty();
    match nearest {
        Some((distance, nearest)) if distance <= (name.chars().count() / 3).max(1) => format!("did you mean `{}`?", join(path, nearest)),
        _ if top && has(CHAT) => "chat completions have it, completions do not".into(),
        _ if top && has(COMPLETION) => "completions have it, chat completions do not".into(),
        _ if top && has(EXTRA) => format!("did you mean `extra_body.{name}`?"),
        _ if !top && (has(SHARED) || has(CHAT)) => {
            format!("did you mean `{name}`, beside `{}`?", path.split(['.', '[']).next().unwrap_or(path))
        }
        _ => "leave it out".into(),
    }
}

/// A value as JSON. A long one is cut.
fn shown(value: &Value) -> String {
    let mut text = value.to_string();
    if let Some((end, _)) = text.char_indices().nth(60) {
        text.truncate(end);
        text.push('…');
    }
    text
}

pub(super) fn missing(field: String, allowed: &str) -> crate::Error {
    ErrorKind::FieldType { field, value: "missing".into(), allowed: allowed.into() }.into()
}

pub(super) fn wrong(field: &str, given: &Value, allowed: String) -> crate::Error {
    ErrorKind::FieldType { field: field.into(), value: shown(given), allowed }.into()
}

fn range(field: &str, given: &Value, allowed: String) -> crate::Error {
    ErrorKind::FieldRange { field: field.to_owned().into(), value: shown(given), allowed: allowed.into() }.into()
}

fn unsupported(field: String, given: &Value, allowed: String) -> crate::Error {
    ErrorKind::UnsupportedField { field, value: shown(given), allowed }.into()
}
