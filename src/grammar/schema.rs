//! Grammars for JSON schemas and for choices.

use serde_json::{Map, Value, json};

use super::{Grammar, Kind};

/// The blanks that may stand between the parts of JSON: one space, or a new line with its indentation. Models space JSON in their own ways,
/// but blanks without end are a trap for small ones.
const SPACE: &str = r" |\r?\n[ \t]{0,24}";

/// A schema for llguidance. A `strict` one is kept to exactly, or refused. Otherwise keywords that no grammar can express are left out, and
/// `oneOf` means `anyOf`.
pub(crate) fn json(schema: &Value, strict: bool) -> Value {
    let mut schema = match schema {
        Value::Object(members) => members.clone(),
        // `true` allows everything, `false` nothing.
        other => Map::from_iter([("allOf".to_owned(), json!([other]))]),
    };
    schema.entry("x-guidance").or_insert_with(|| json!({"whitespace_pattern": SPACE, "lenient": !strict, "coerce_one_of": !strict}));
    Value::Object(schema)
}

/// A text as Lark writes it.
pub(crate) fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

impl Grammar {
    /// JSON of a schema. A `strict` schema is kept to exactly, or refused when it is compiled. Otherwise it is kept to as far as a grammar can.
    #[must_use]
    pub fn json(field: &'static str, schema: &Value, strict: bool) -> Grammar {
        Grammar { field, kind: Kind::Json, text: json(schema, strict).to_string() }
    }

    /// One of these texts.
    #[must_use]
    pub fn choice(field: &'static str, texts: &[String]) -> Grammar {
        let texts: Vec<_> = texts.iter().map(|text| literal(text)).collect();
        Grammar { field, kind: Kind::Lark, text: format!("start: {}", texts.join(" | ")) }
    }

    /// A regular expression for the whole answer, in the syntax of Rust's crate `regex`.
    #[must_use]
    pub fn regex(field: &'static str, expression: &str) -> Grammar {
        Grammar { field, kind: Kind::Regex, text: expression.to_owned() }
    }
}
