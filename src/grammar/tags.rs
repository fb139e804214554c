//! Structural tags: parts of an answer that must be of a form, in text that need not be.
//!
//! The notation is XGrammar's, which vLLM and WebLLM take: a `format` of nested forms, or the older list of `structures` with `triggers`.

use serde_json::{Value, json};

use super::schema::{self, literal};
use super::{Grammar, Kind};
use crate::{ErrorKind, Result};

impl Grammar {
    /// Reads `{"format": …}`, or `{"structures": […], "triggers": […]}`.
    ///
    /// # Errors
    /// [`ErrorKind::Grammar`] names what is missing, or not known.
    pub fn tags(field: &'static str, given: &Value) -> Result<Grammar> {
        let mut lark = Lark { rules: String::new(), count: 0 };
        let start = match (&given["format"], &given["structures"]) {
            (Value::Null, Value::Array(structures)) => {
                let tag = |one: &Value| json!({"begin": one["begin"], "content": {"type": "json_schema", "json_schema": one["schema"]}, "end": one["end"]});
                let tags: Vec<_> = structures.iter().map(tag).collect();
                lark.form(&json!({"type": "triggered_tags", "triggers": given["triggers"], "tags": tags}))
            }
            (format, _) => lark.form(format),
        };
        let start = start.map_err(|reason| ErrorKind::Grammar { field, reason })?;
        Ok(Grammar { field, kind: Kind::Lark, text: format!("start: {start}\n{}", lark.rules) })
    }
}

/// Rules that were written so far.
struct Lark {
    rules: String,
    count: usize,
}

impl Lark {
    /// The expression for a form.
    fn form(&mut self, form: &Value) -> Result<String, String> {
        let text = |name: &str| form[name].as_str().ok_or_else(|| format!("a form of type {} needs the text `{name}`", form["type"]));
        let list = |name: &str| form[name].as_array().ok_or_else(|| format!("a form of type {} needs the list `{name}`", form["type"]));
        Ok(match form["type"].as_str().unwrap_or_default() {
            "const_string" => literal(text("value")?),
            "json_schema" => self.rule(&format!("%json {}", schema::json(&form["json_schema"], false))),
            "regex" => self.terminal(&format!("/{}/", text("pattern")?.replace('/', "\\/"))),
            "any_text" => self.terminal("/(?s:.*)/"),
            "grammar" => {
                let nested = Grammar::rules("grammar", text("grammar")?).map_err(|error| error.to_string())?;
                self.rule(&format!("%lark {{\n{}\n}}", nested.text))
            }
            "sequence" => {
                let parts = list("elements")?.iter().map(|form| self.form(form)).collect::<Result<Vec<_>, _>>()?;
                self.rule(&parts.join(" "))
            }
            "or" => {
                let parts = list("elements")?.iter().map(|form| self.form(form)).collect::<Result<Vec<_>, _>>()?;
                self.rule(&parts.join(" | "))
            }
            "tag" => self.tag(form)?,
            "tags_with_separator" => {
                let tags = self.tags(list("tags")?)?;
                let separator = literal(text("separator")?);
                let more = if form["stop_after_first"] == true { String::new() } else { format!(" ({separator} {tags})*") };
                let all = format!("({tags}{more})");
                self.rule(&if form["at_least_one"] == true { all } else { format!("{all}?") })
            }
            "triggered_tags" => {
                let tags = self.tags(list("tags")?)?;
                let triggers = list("triggers")?.iter().map(|text| text.as_str().ok_or("`triggers` must be texts".to_owned()));
                let free = free(triggers.collect::<Result<Vec<_>, _>>()?);
                let free = self.terminal(&free);
                let (once, many) = (form["stop_after_first"] == true, form["at_least_one"] == true);
                self.rule(&match (once, many) {
                    (true, true) => format!("{free} {tags}"),
                    (true, false) => format!("{free} {tags}?"),
                    (false, true) => format!("({free} {tags})+ {free}"),
                    (false, false) => format!("({free} {tags})* {free}"),
                })
            }
            _ => {
                let known = "const_string, json_schema, regex, grammar, any_text, sequence, or, tag, triggered_tags, tags_with_separator";
                return Err(format!("there is no form of type {}; known are {known}", form["type"]));
            }
        })
    }

    /// One of several tags.
    fn tags(&mut self, tags: &[Value]) -> Result<String, String> {
        let tags = tags.iter().map(|tag| self.tag(tag)).collect::<Result<Vec<_>, _>>()?;
        if tags.is_empty() { Err("`tags` is empty".into()) } else { Ok(self.rule(&tags.join(" | "))) }
    }

    /// What stands between a beginning and an end. Free text within goes up to the first end.
    fn tag(&mut self, tag: &Value) -> Result<String, String> {
        let text = |name: &str| tag[name].as_str().ok_or_else(|| format!("a tag needs the text `{name}`"));
        let (begin, end) = (text("begin")?, text("end")?);
        let content = match tag["content"]["type"] == "any_text" && !end.is_empty() {
            true => self.terminal(&free(vec![end])),
            false => self.form(&tag["content"])?,
        };
        let parts = [begin, end].map(|text| if text.is_empty() { String::new() } else { literal(text) });
        Ok(self.rule(&format!("{} {content} {}", parts[0], parts[1])))
    }

    fn rule(&mut self, body: &str) -> String {
        self.named("part", body)
    }

    fn terminal(&mut self, body: &str) -> String {
        self.named("TEXT", body)
    }

    fn named(&mut self, kind: &str, body: &str) -> String {
        let name = format!("{kind}_{}", self.count);
        self.count += 1;
        self.rules.push_str(&format!("{name}: {body}\n"));
        name
    }
}

/// Any text in which none of these occurs.
fn free(marks: Vec<&str>) -> String {
    let mut out = String::from("/(?s:.*)/");
    for mark in marks {
        out.push_str(&format!(" & ~/(?s:.*){}(?s:.*)/", escaped(mark)));
    }
    out
}

/// A text within a regular expression of Lark.
fn escaped(text: &str) -> String {
    text.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_string() } else { format!("\\x{{{:X}}}", u32::from(char)) }).collect()
}
