//! The tools of a request: which names are calls, and what types their arguments have.

use serde_json::{Map, Value};

use super::value::resolved;

/// Names and parameter schemas.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tools(Vec<(String, Map<String, Value>)>);

impl Tools {
    /// Reads OpenAI's form, with or without the `function` around each tool. `None` if there is no tool.
    pub(super) fn new(tools: &Value) -> Option<Tools> {
        let tools = tools.as_array()?.iter().filter_map(|tool| {
            let function = tool.get("function").unwrap_or(tool);
            let name = function.get("name")?.as_str()?;
            Some((name.to_string(), function.get("parameters").map(properties).unwrap_or_default()))
        });
        let tools: Vec<_> = tools.collect();
        (!tools.is_empty()).then_some(Tools(tools))
    }

    /// The tool that the written name means. Some models put the prompt's namespace before it.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        let known = |name: &str| self.0.iter().find(|tool| tool.0 == name).map(|tool| tool.0.as_str());
        known(name).or_else(|| known(name.strip_prefix("functions.")?))
    }

    /// The schema of a tool's argument.
    pub(super) fn schema(&self, name: &str, argument: &str) -> Option<&Value> {
        self.0.iter().find(|tool| tool.0 == name)?.1.get(argument)
    }
}

/// The schemas of all arguments, with what they refer to in their places.
fn properties(parameters: &Value) -> Map<String, Value> {
    let whole = resolved(parameters, parameters);
    let properties = whole.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(key, schema)| (key.clone(), resolved(schema, parameters))).collect()
}
