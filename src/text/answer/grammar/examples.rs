//! The tools of the tests, and what their arguments must be.

use serde_json::{Value, json};

/// Three tools: texts, values of all types, and no arguments.
pub(super) fn tools() -> Value {
    json!([
        {"type": "function", "function": {"name": "find_book", "parameters": {"type": "object", "properties": {
            "title": {"type": "string"}, "kind": {"enum": ["novel", "poem \"x\""]}, "note": {"type": "string"},
            "by": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, "required": ["title", "kind"]}}},
        {"type": "function", "function": {"name": "find", "strict": true, "parameters": {"type": "object", "properties": {
            "place": {"type": "object", "properties": {"x": {"type": "integer"}, "names": {"type": "array", "items": {"type": "string"}}},
                "required": ["x"], "additionalProperties": false},
            "days": {"type": "array", "items": {"type": "integer"}}, "count": {"type": "integer"}, "exact": {"type": "boolean"},
            "gone": {"type": "null"}, "unit": {"$ref": "#/$defs/unit"}, "size": {"type": "number", "minimum": -9, "maximum": 9}},
            "required": ["place", "count", "exact", "unit"], "additionalProperties": false,
            "$defs": {"unit": {"type": "string", "enum": ["m", "km"]}}}}},
        {"type": "function", "function": {"name": "now"}},
    ])
}

/// What is wrong with the arguments of a call.
pub(super) fn wrong(name: &str, arguments: &str) -> Option<String> {
    let Ok(Value::Object(given)) = serde_json::from_str(arguments) else { return Some("no object".into()) };
    let text = |value: &Value| value.is_string();
    type Test<'a> = &'a dyn Fn(&Value) -> bool;
    let place = |value: &Value| {
        let Some(members) = value.as_object() else { return false };
        members.get("x").is_some_and(is_whole)
            && members
                .iter()
                .all(|(key, value)| key == "x" || key == "names" && value.as_array().is_some_and(|names| names.iter().all(text)))
    };
    let kind = |value: &Value| value == "novel" || value == "poem \"x\"";
    let days = |value: &Value| value.as_array().is_some_and(|days| days.iter().all(is_whole));
    let members: &[(&str, bool, Test)] = match name {
        "find_book" => {
            &[("title", true, &text), ("kind", true, &kind), ("note", false, &text), ("by", false, &|value| text(value) || value.is_null())]
        }
        "find" => &[
            ("place", true, &place),
            ("days", false, &days),
            ("count", true, &is_whole),
            ("exact", true, &Value::is_boolean),
            ("gone", false, &Value::is_null),
            ("unit", true, &|value| value == "m" || value == "km"),
            ("size", false, &Value::is_number),
        ],
        "now" => &[],
        _ => return Some(format!("no tool {name}")),
    };
    let missing = members.iter().find(|(key, required, _)| *required && !given.contains_key(*key)).map(|member| member.0);
    let unlike = given.iter().find(|(key, value)| !members.iter().any(|(known, _, test)| known == key && test(value)));
    missing.map(str::to_owned).or_else(|| unlike.map(|(key, value)| format!("{key} is {value}")))
}

pub(super) fn is_whole(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.fract() == 0.0)
}
