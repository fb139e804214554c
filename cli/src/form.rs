//! What an answer must be, and the tools that it may call: the files and texts of the command line.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use tegula::Request;
use tegula::api::request::ApiRequest;
use tegula::engine::request::Calling;
use tegula::grammar::Grammar;
use tegula::text::answer::Piece;

use crate::args::FormFlags;
use crate::report;

/// What the command line says of answers.
#[derive(Clone, Debug, Default)]
pub struct Form {
    grammar: Option<Arc<Grammar>>,
    tools: Option<Value>,
    calling: Option<Arc<Calling>>,
}

impl Form {
    /// Reads the files. What is wrong with them is said now, and not when a model has been loaded.
    pub fn read(flags: &FormFlags) -> Result<Form> {
        let grammar = match flags {
            FormFlags { json_schema: Some(file), .. } => Some(schema(file)?),
            FormFlags { grammar: Some(file), .. } => {
                let text = text(file)?;
                let grammar = Grammar::rules("--grammar", &text).and_then(|grammar| grammar.check().map(|()| grammar));
                Some(grammar.with_context(|| unusable(file))?)
            }
            FormFlags { regex: Some(expression), .. } => {
                let grammar = Grammar::regex("--regex", expression);
                grammar.check()?;
                Some(grammar)
            }
            _ => None,
        };
        let (tools, calling) = flags.tools.as_deref().map(tools).transpose()?.unwrap_or_default();
        // An answer of a form may be a call instead.
        let either = || Arc::new(Calling { only: None, must: false, parallel: true });
        let calling = calling.or_else(|| (grammar.is_some() && tools.is_some()).then(either));
        Ok(Form { grammar: grammar.map(Arc::new), tools, calling })
    }

    /// The tools, as OpenAI describes them.
    pub fn tools(&self) -> Option<&Value> {
        self.tools.as_ref()
    }

    /// Whether the parts of an answer are told apart: its reasoning is not of the form, and calls are no text.
    pub fn has_parts(&self) -> bool {
        self.grammar.is_some() || self.tools.is_some()
    }

    /// A request for an answer like that.
    pub fn shape(&self, request: Request) -> Request {
        Request { grammar: self.grammar.clone(), calling: self.calling.clone(), marks: self.has_parts(), ..request }
    }
}

/// A schema is kept to exactly, if that is possible.
fn schema(file: &Path) -> Result<Grammar> {
    let schema = parsed(file)?;
    ensure!(schema.is_object() || schema.is_boolean(), "{} is no JSON schema, which is an object or a boolean", file.display());
    let grammar = |strict| Grammar::json("--json-schema", &schema, strict);
    let exact = match grammar(true).check() {
        Ok(()) => return Ok(grammar(true)),
        Err(error) => error,
    };
    let loose = grammar(false);
    loose.check().with_context(|| unusable(file))?;
    report::say(format_args!("note: answers keep to {} only in part: {exact}", file.display()));
    Ok(loose)
}

/// A list of tools is checked as that of a request.
fn tools(file: &Path) -> Result<(Option<Value>, Option<Arc<Calling>>)> {
    let tools = parsed(file)?;
    let body = json!({"messages": [{"role": "user", "content": ""}], "tools": tools}).to_string();
    let request = ApiRequest::chat(&body).with_context(|| unusable(file))?;
    ensure!(request.tools().is_some(), "{} has no tools", file.display());
    Ok((request.tools().cloned(), request.calling))
}

fn parsed(file: &Path) -> Result<Value> {
    let text = text(file)?;
    serde_json::from_str(&text).map_err(|error| anyhow::anyhow!("{} is no JSON: {error}", file.display()))
}

/// The text of a file, without the mark that some editors set before it.
fn text(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text.trim().is_empty() {
        bail!("{} is empty", file.display());
    }
    Ok(text.to_owned())
}

fn unusable(file: &Path) -> String {
    format!("cannot use {}", file.display())
}

/// A call of a tool, as it is printed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// The tool.
    pub name: String,
    /// A JSON object; a text, where the answer broke off within it.
    pub arguments: Value,
    /// The model's own name for the call.
    #[serde(skip)]
    pub id: Option<String>,
}

/// The calls among the pieces of an answer.
pub fn calls(pieces: &[Piece]) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Call { id, name, .. } => {
                calls.push(Call { name: name.clone(), arguments: Value::Null, id: id.clone() });
                texts.push(String::new());
            }
            Piece::Arguments { index, text } => texts.get_mut(*index).into_iter().for_each(|known| known.push_str(text)),
            Piece::Content(_) | Piece::Reasoning(_) => {}
        }
    }
    for (call, text) in calls.iter_mut().zip(texts) {
        call.arguments = serde_json::from_str(&text).unwrap_or(Value::String(text));
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_joined_from_their_pieces() {
        let begin = |index, name: &str| Piece::Call { index, id: None, name: name.into() };
        let more = |index, text: &str| Piece::Arguments { index, text: text.into() };
        let pieces = [
            Piece::Content("Now: ".into()),
            begin(0, "f"),
            more(0, "{\"a\""),
            more(0, ": 1}"),
            Piece::Reasoning("so".into()),
            begin(1, "g"),
            more(1, "{\"b\": "),
        ];
        let found: Vec<_> = calls(&pieces).into_iter().map(|call| (call.name, call.arguments)).collect();
        assert_eq!(found, [("f".into(), json!({"a": 1})), ("g".into(), json!("{\"b\": "))]);
    }
}
