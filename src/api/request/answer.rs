//! What a request says of its answer's form: a schema, a grammar, a choice; and which tools it must call.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::check;
use crate::engine::request::Calling;
use crate::grammar::Grammar;
use crate::{ErrorKind, Result};

/// The grammar of `response_format` or `structured_outputs`, whose members are checked. Nothing where the answer may be any text.
pub(super) fn grammar(members: &Map<String, Value>) -> Result<Option<Arc<Grammar>>> {
    let given = |name: &str| members.get(name).filter(|value| !value.is_null());
    let grammar = match (given("response_format"), given("structured_outputs")) {
        (Some(format), Some(other)) if format["type"] != "text" => {
            let allowed = "null where `response_format` is given".to_owned();
            return Err(
                ErrorKind::FieldRange { field: "structured_outputs".into(), value: other.to_string(), allowed: allowed.into() }.into()
            );
        }
        (_, Some(outputs)) => structured_outputs(outputs)?,
        (Some(format), None) => response_format(format)?,
        (None, None) => None,
    };
    Ok(grammar.map(Arc::new))
}

/// OpenAI's `response_format`, with WebLLM's types and two more.
fn response_format(format: &Value) -> Result<Option<Grammar>> {
    let needed = |name: &str, allowed: &str| match &format[name] {
        Value::Null => Err(check::missing(format!("response_format.{name}"), allowed)),
        given => Ok(given),
    };
    Ok(match format["type"].as_str().unwrap_or_default() {
        "json_object" => Some(object("response_format.schema", &format["schema"])?),
        "json_schema" => {
            let schema = needed("json_schema", "an object")?;
            let field = "response_format.json_schema.schema";
            Some(Grammar::json(field, &any_object(&schema["schema"]), schema["strict"] == true))
        }
        "grammar" => Some(Grammar::rules("response_format.grammar", needed("grammar", "a text")?.as_str().unwrap_or_default())?),
        "regex" => Some(Grammar::regex("response_format.regex", needed("regex", "a text")?.as_str().unwrap_or_default())),
        "choice" => Some(choice("response_format.choice", needed("choice", "a list of texts")?)?),
        // The members of a tag stand beside the type, or in one member.
        "structural_tag" => {
            let field = "response_format.structural_tag";
            let tag = if format["structural_tag"].is_null() { format } else { &format["structural_tag"] };
            Some(Grammar::tags(field, &parsed(field, tag)?)?)
        }
        _ => None,
    })
}

/// vLLM's `structured_outputs`: exactly one of its members.
fn structured_outputs(outputs: &Value) -> Result<Option<Grammar>> {
    let mut given = outputs.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null() && **value != false);
    let (Some((name, value)), None) = (given.next(), given.next()) else {
        let allowed = "an object with one of json, json_object, regex, choice, grammar and structural_tag".into();
        return Err(check::wrong("structured_outputs", outputs, allowed));
    };
    Ok(Some(match name.as_str() {
        "json" => object("structured_outputs.json", value)?,
        "regex" => Grammar::regex("structured_outputs.regex", value.as_str().unwrap_or_default()),
        "choice" => choice("structured_outputs.choice", value)?,
        "grammar" => Grammar::rules("structured_outputs.grammar", value.as_str().unwrap_or_default())?,
        "structural_tag" => {
            let field = "structured_outputs.structural_tag";
            Grammar::tags(field, &parsed(field, value)?)?
        }
        _ => object("structured_outputs.json_object", &Value::Null)?,
    }))
}

/// JSON of a schema that may be a text. Without a schema, any object.
fn object(field: &'static str, schema: &Value) -> Result<Grammar> {
    Ok(Grammar::json(field, &any_object(&parsed(field, schema)?), false))
}

fn any_object(schema: &Value) -> Value {
    if schema.is_null() { json!({"type": "object"}) } else { schema.clone() }
}

/// A value that may be a text that holds JSON.
fn parsed(field: &'static str, value: &Value) -> Result<Value> {
    match value {
        Value::String(text) => {
            let failed = |error: serde_json::Error| ErrorKind::Grammar { field, reason: format!("it is no JSON: {error}") };
            Ok(serde_json::from_slice(text.as_bytes()).map_err(failed)?)
        }
        other => Ok(other.clone()),
    }
}

fn choice(field: &'static str, texts: &Value) -> Result<Grammar> {
    let texts: Vec<_> = texts.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(Grammar::choice(field, &texts))
}

/// What `tool_choice` asks for, where it asks for something. Its members are checked; names must be those of `tools`.
/// `formed` says that the answer must be of a form: a call may still take its place.
pub(super) fn calling(members: &Map<String, Value>, tools: Option<&Value>, formed: bool) -> Result<Option<Calling>> {
    let parallel = members.get("parallel_tool_calls").is_none_or(|parallel| *parallel != false);
    let strict = tools.and_then(Value::as_array).into_iter().flatten().any(|tool| tool["function"]["strict"] == true);
    let choice = members.get("tool_choice").unwrap_or(&Value::Null);
    let named = |tools: &[&Value], at: &str| {
        let names: Vec<String> = tools.iter().filter_map(|tool| tool["function"]["name"].as_str()).map(str::to_owned).collect();
        if names.is_empty() { Err(check::missing(format!("{at}.function.name"), "the name of a tool")) } else { Ok(names) }
    };
    let allowed = &choice["allowed_tools"];
    let (only, must, at) = match (choice.as_str(), choice["type"].as_str()) {
        (Some("required"), _) => (None, true, "tool_choice"),
        (_, Some("function")) => (Some(named(&[choice], "tool_choice")?), true, "tool_choice.function.name"),
        (_, Some("allowed_tools")) => {
            let tools: Vec<_> = allowed["tools"].as_array().into_iter().flatten().collect();
            (Some(named(&tools, "tool_choice.allowed_tools.tools[0]")?), allowed["mode"] == "required", "tool_choice.allowed_tools.tools")
        }
        (Some("none"), _) => return Ok(None),
        _ if strict || formed && tools.is_some() => (None, false, "tool_choice"),
        _ => return Ok(None),
    };
    let known: Vec<&str> =
        tools.and_then(Value::as_array).into_iter().flatten().filter_map(|tool| tool["function"]["name"].as_str()).collect();
    let unknown = only.iter().flatten().find(|name| !known.contains(&name.as_str()));
    if let Some(name) = unknown {
        let allowed = if known.is_empty() { "left out without `tools`".into() } else { format!("one of {}", known.join(", ")) };
        return Err(ErrorKind::FieldRange { field: at.into(), value: format!("\"{name}\""), allowed: allowed.into() }.into());
    }
    if known.is_empty() {
        let (field, value) = ("tool_choice".into(), choice.to_string());
        return Err(ErrorKind::FieldRange { field, value, allowed: "\"none\" or \"auto\" without `tools`".into() }.into());
    }
    Ok(Some(Calling { only, must, parallel }))
}
