//! The tools that may be called, as a grammar needs them.

use serde_json::{Value, json};

use super::Calling;

/// A tool.
pub(super) struct Tool<'a> {
    pub(super) name: &'a str,
    /// The schema of its arguments, which is that of an object.
    pub(super) schema: Value,
    /// The schema is kept to exactly.
    pub(super) strict: bool,
}

/// A member of an object.
pub(super) struct Member {
    pub(super) key: String,
    pub(super) schema: Value,
    pub(super) required: bool,
}

/// What makes a schema more than a list of members. Nothing can be added to such a schema without changing what it means.
const COMPOUND: [&str; 9] =
    ["additionalProperties", "patternProperties", "unevaluatedProperties", "allOf", "anyOf", "oneOf", "not", "$ref", "if"];

impl Tool<'_> {
    /// Those of a request that may be called.
    pub(super) fn all<'a>(calling: &Calling<'a>) -> Vec<Tool<'a>> {
        let tools = calling.tools.as_array().into_iter().flatten().filter_map(|tool| {
            let function = tool.get("function").unwrap_or(tool);
            let name = function.get("name")?.as_str()?;
            let strict = function.get("strict") == Some(&Value::Bool(true));
            Some(Tool { name, schema: arguments(function.get("parameters")), strict })
        });
        tools.filter(|tool| calling.only.as_ref().is_none_or(|names| names.iter().any(|name| name == tool.name))).collect()
    }

    /// The schema of an argument, which may refer to definitions of the whole.
    pub(super) fn part(&self, schema: &Value) -> Value {
        let mut schema = schema.clone();
        for key in ["$defs", "definitions"] {
            if let (Some(definitions), Some(members)) = (self.schema.get(key), schema.as_object_mut()) {
                members.entry(key).or_insert_with(|| definitions.clone());
            }
        }
        schema
    }
}

/// The schema of a tool's arguments. Members that it does not name are left out unless it speaks of them: a function takes no others.
fn arguments(parameters: Option<&Value>) -> Value {
    let Some(Value::Object(parameters)) = parameters else { return json!({"type": "object", "additionalProperties": false}) };
    let mut schema = parameters.clone();
    if !COMPOUND.iter().any(|key| schema.contains_key(*key)) {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if !schema.contains_key("$ref") {
        schema.insert("type".to_owned(), "object".into());
    }
    Value::Object(schema)
}

/// The members of an object's schema, in its order. Those that are only said to be required may be anything.
pub(super) fn members(schema: &Value) -> Vec<Member> {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object();
    let mut members: Vec<_> = properties
        .into_iter()
        .flatten()
        .map(|(key, schema)| Member { key: key.clone(), schema: schema.clone(), required: required.contains(&key.as_str()) })
        .collect();
    for key in required {
        if !members.iter().any(|member| member.key == key) {
            members.push(Member { key: key.to_owned(), schema: json!({}), required: true });
        }
    }
    members
}
