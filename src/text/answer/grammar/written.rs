//! Values as programming notations write them: Python's, and Gemma's with its bare names and marked texts.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::rules::{BLANK, Rules};
use super::tool::members;
use crate::grammar::literal;
use crate::text::answer::shape::Dialect;
use crate::text::answer::value::{choices, resolved, types};

/// Schemas within each other beyond this are not followed.
const DEEPEST: usize = 16;

/// What may be escaped in a text of Python, as a regular expression of Lark. Of a surrogate, the other half could be missing.
const ESCAPE: &str = r#"\\["\\'\/nrt]|\\u([0-9A-Ca-cE-Fe-f][0-9A-Fa-f]{3}|[Dd][0-7][0-9A-Fa-f]{2})"#;

/// Writes the values of one tool.
pub(super) struct Values<'a, 's> {
    rules: &'a mut Rules<'s>,
    dialect: &'static Dialect,
    /// What references lead to.
    root: &'a Value,
    /// The rules of references that have been followed.
    known: HashMap<String, String>,
}

impl<'a, 's> Values<'a, 's> {
    pub(super) fn new(rules: &'a mut Rules<'s>, dialect: &'static Dialect, root: &'a Value) -> Values<'a, 's> {
        Values { rules, dialect, root, known: HashMap::new() }
    }

    /// The arguments of a call, without their brackets.
    pub(super) fn arguments(&mut self) -> String {
        let root = resolved(self.root, self.root);
        let members = self.members(&root, self.dialect.assign, self.dialect.bare_keys || self.dialect.assign == '=', 0);
        format!("{BLANK} {members} {BLANK}")
    }

    /// Members with their values. Gemma was shown them in alphabetical order.
    fn members(&mut self, schema: &Value, assign: char, bare: bool, depth: usize) -> String {
        let mut members = members(schema);
        if self.dialect.bare_keys {
            members.sort_by_key(|member| member.key.to_lowercase());
        }
        let assign = literal(&assign.to_string());
        let members: Vec<_> = members
            .iter()
            .map(|member| {
                let key = if bare { literal(&member.key) } else { self.text(&member.key) };
                let value = self.value(&member.schema, depth + 1);
                (self.rules.rule(&format!("{key} {BLANK} {assign} {BLANK} {value}")), member.required)
            })
            .collect();
        in_order(self.rules, &members, &format!("{BLANK} \",\" {BLANK}"))
    }

    /// A value of a schema.
    fn value(&mut self, schema: &Value, depth: usize) -> String {
        if depth > DEEPEST {
            return self.any();
        }
        // A reference may lead back to itself, so its rule is named before it is written.
        if let Some(place) = schema["$ref"].as_str() {
            if let Some(rule) = self.known.get(place) {
                return rule.clone();
            }
            let name = self.rules.reserve();
            self.known.insert(place.to_owned(), name.clone());
            let schema = resolved(schema, self.root);
            let value = if schema["$ref"].is_string() { self.any() } else { self.value(&schema, depth + 1) };
            self.rules.define(&name, &value);
            return name;
        }
        if let Some(values) = choices(schema) {
            let values: Vec<_> = values.iter().map(|value| self.exactly(value)).collect();
            return self.rules.one(&values);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(schemas) = schema[key].as_array().filter(|schemas| !schemas.is_empty()) {
                let values: Vec<_> = schemas.iter().map(|schema| self.value(schema, depth + 1)).collect();
                return self.rules.one(&values);
            }
        }
        if let Some([only]) = schema["allOf"].as_array().map(Vec::as_slice) {
            return self.value(only, depth + 1);
        }
        let types = types(schema);
        let values: Vec<_> = types.iter().map(|name| self.typed(name, schema, depth)).collect();
        if values.is_empty() { self.any() } else { self.rules.one(&values) }
    }

    fn typed(&mut self, name: &str, schema: &Value, depth: usize) -> String {
        match name.to_ascii_lowercase().as_str() {
            "string" => self.any_text(),
            "integer" => self.rules.terminal("/-?(0|[1-9][0-9]{0,17})/"),
            "number" => self.number(),
            "boolean" => self.words(&["true", "false"], &["True", "False"]),
            "null" => self.words(&["null"], &["None"]),
            "array" => {
                let item = self.value(schema.get("items").unwrap_or(&json!({})), depth + 1);
                let empty = if schema["minItems"].as_u64().unwrap_or(0) == 0 { "?" } else { "" };
                self.rules.rule(&format!("\"[\" {BLANK} ({item} ({BLANK} \",\" {BLANK} {item})* {BLANK}){empty} \"]\""))
            }
            "object" if schema["properties"].is_object() => {
                let members = self.members(schema, ':', self.dialect.bare_keys, depth);
                self.rules.rule(&format!("\"{{\" {BLANK} {members} {BLANK} \"}}\""))
            }
            "object" => {
                let value =
                    self.value(Some(&schema["additionalProperties"]).filter(|schema| schema.is_object()).unwrap_or(&json!({})), depth + 1);
                self.object(&value)
            }
            _ => self.any(),
        }
    }

    fn number(&mut self) -> String {
        self.rules.terminal(r"/-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?/")
    }

    /// Words as the dialect writes them. In Python, models write those of JSON too.
    fn words(&mut self, json: &[&str], python: &[&str]) -> String {
        let words: Vec<_> = json.iter().chain(python).map(|word| literal(word)).collect();
        self.rules.one(&words)
    }

    /// Members of any name with such values.
    fn object(&mut self, value: &str) -> String {
        let key = match self.dialect.bare_keys {
            true => self.rules.terminal("/[A-Za-z_][A-Za-z0-9_]{0,63}/"),
            false => self.any_text(),
        };
        let member = self.rules.rule(&format!("{key} {BLANK} \":\" {BLANK} {value}"));
        self.rules.rule(&format!("\"{{\" {BLANK} ({member} ({BLANK} \",\" {BLANK} {member})* {BLANK})? \"}}\""))
    }

    /// Any value.
    fn any(&mut self) -> String {
        if let Some(name) = self.known.get("") {
            return name.clone();
        }
        let name = self.rules.reserve();
        self.known.insert(String::new(), name.clone());
        let list = self.rules.rule(&format!("\"[\" {BLANK} ({name} ({BLANK} \",\" {BLANK} {name})* {BLANK})? \"]\""));
        let words = self.words(&["true", "false", "null"], &["True", "False", "None"]);
        let ways = [self.any_text(), self.number(), words, list, self.object(&name)];
        self.rules.define(&name, &ways.join(" | "));
        name
    }

    /// Any text, quoted.
    fn any_text(&mut self) -> String {
        match self.dialect.quote {
            "" => {
                let [double, single] = ['"', '\''].map(|quote| format!("{quote}([^{quote}\\\\\\x00-\\x1F]|{ESCAPE})*{quote}"));
                self.rules.terminal(&format!("/{double}|{single}/"))
            }
            quote => {
                let until = self.rules.until(&[quote], "");
                self.rules.rule(&format!("{} {until}", self.rules.mark(quote)))
            }
        }
    }

    /// This text, quoted.
    fn text(&self, text: &str) -> String {
        let quote = self.dialect.quote;
        if !quote.is_empty() {
            return self.rules.mark(&format!("{quote}{text}{quote}"));
        }
        let double = Value::from(text).to_string();
        let single = format!("'{}'", double[1..double.len() - 1].replace("\\\"", "\"").replace('\'', "\\'"));
        format!("({} | {})", literal(&double), literal(&single))
    }

    /// This value.
    fn exactly(&mut self, value: &Value) -> String {
        match value {
            Value::String(text) => self.text(text),
            Value::Bool(true) => self.words(&["true"], &["True"]),
            Value::Bool(false) => self.words(&["false"], &["False"]),
            Value::Null => self.words(&["null"], &["None"]),
            Value::Number(number) => literal(&number.to_string()),
            Value::Array(values) => {
                let values: Vec<_> = values.iter().map(|value| self.exactly(value)).collect();
                format!("\"[\" {BLANK} {} {BLANK} \"]\"", values.join(&format!(" {BLANK} \",\" {BLANK} ")))
            }
            Value::Object(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(key, value)| {
                        let key = if self.dialect.bare_keys { literal(key) } else { self.text(key) };
                        format!("{key} {BLANK} \":\" {BLANK} {}", self.exactly(value))
                    })
                    .collect();
                format!("\"{{\" {BLANK} {} {BLANK} \"}}\"", members.join(&format!(" {BLANK} \",\" {BLANK} ")))
            }
        }
    }
}

/// Members in their order, some of which may be missing, with a separator between those that are there.
pub(super) fn in_order(rules: &mut Rules, members: &[(String, bool)], separator: &str) -> String {
    // From the last to the first: what may stand from there on, behind another member and as the first.
    let (mut behind, mut first) = (String::new(), String::new());
    for (member, required) in members.iter().rev() {
        let (here, begun) = (format!("{separator} {member} {behind}"), format!("{member} {behind}"));
        let mut either = |with: &str, without: &str| match (required, without) {
            (true, _) => rules.rule(with),
            (false, "") => rules.rule(&format!("({with})?")),
            (false, _) => rules.rule(&format!("({with}) | {without}")),
        };
        (behind, first) = (either(&here, &behind), either(&begun, &first));
    }
    first
}
