//! Written values to JSON. Formats without JSON write texts, numbers and objects alike, so the tool's schema says which one is meant.

use serde_json::Value;

/// References are followed so often, one to the next.
const LONGEST: usize = 8;

/// A schema with what it refers to in its place, and so those of which it is one. `root` is the whole that references lead into.
pub(super) fn resolved(schema: &Value, root: &Value) -> Value {
    let mut schema = followed(schema, root);
    for key in ["anyOf", "oneOf", "allOf"] {
        for choice in schema.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            *choice = followed(choice, root);
        }
    }
    schema
}

fn followed(schema: &Value, root: &Value) -> Value {
    let mut schema = schema;
    for _ in 0..LONGEST {
        let place = schema.get("$ref").and_then(Value::as_str).and_then(|place| place.strip_prefix('#'));
        let Some(next) = place.and_then(|place| root.pointer(place)) else { break };
        schema = next;
    }
    schema.clone()
}

/// The values that a schema names, if it names them all.
pub(super) fn choices(schema: &Value) -> Option<Vec<Value>> {
    match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) if !values.is_empty() => Some(values.clone()),
        (_, Some(value)) => Some(vec![value.clone()]),
        _ => None,
    }
}

/// The types that a schema allows. Empty if it does not say.
pub(super) fn types(schema: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    match schema.get("type") {
        Some(Value::String(name)) => found.push(name.as_str()),
        Some(Value::Array(names)) => found.extend(names.iter().filter_map(Value::as_str)),
        _ => {
            found.extend(choices(schema).into_iter().flatten().map(|value| kind(&value)));
            for key in ["anyOf", "oneOf", "allOf"] {
                found.extend(schema.get(key).and_then(Value::as_array).into_iter().flatten().flat_map(types));
            }
        }
    }
    found
}

/// The type of a value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn fits(value: &Value, name: &str) -> bool {
    match name.to_ascii_lowercase().as_str() {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    }
}

/// The schema wants a text and nothing else.
pub(super) fn only_text(schema: Option<&Value>) -> bool {
    let types = schema.map(types).unwrap_or_default();
    !types.is_empty() && types.iter().all(|name| name.eq_ignore_ascii_case("string"))
}

/// The schema allows a text.
pub(super) fn may_be_text(schema: Option<&Value>) -> bool {
    schema.map(types).unwrap_or_default().iter().any(|name| name.eq_ignore_ascii_case("string"))
}

/// What the written text means: the JSON that it is where the schema allows it, else the text itself.
pub(super) fn typed(text: &str, schema: Option<&Value>) -> Value {
    if only_text(schema) {
        return Value::String(text.to_string());
    }
    let types = schema.map(types).unwrap_or_default();
    let written = match text.trim() {
        "True" => Some(Value::Bool(true)),
        "False" => Some(Value::Bool(false)),
        "None" => Some(Value::Null),
        text => serde_json::from_str(text).ok(),
    };
    match written {
        Some(value) if !may_be_text(schema) || types.iter().any(|name| fits(&value, name)) => value,
        _ => Value::String(text.to_string()),
    }
}

/// The text as JSON writes it within quotes.
pub(super) fn escaped(text: &str) -> String {
    let quoted = Value::String(text.to_string()).to_string();
    quoted[1..quoted.len() - 1].to_string()
}
