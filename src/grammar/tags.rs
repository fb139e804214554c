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
                let triggers = list("triggers")?.iter().map(|text| text.as_str().ok_or("`triggers` must be texts".to_owned()));
                let free = free(&triggers.collect::<Result<Vec<_>, _>>()?);
                let text = self.terminal(&free);
                let tags = list("tags")?.iter().map(|tag| self.behind(&text, tag)).collect::<Result<Vec<_>, _>>()?;
                if tags.is_empty() {
                    return Err("`tags` is empty".into());
                }
                let tags = self.rule(&tags.join(" | "));
                let (once, many) = (form["stop_after_first"] == true, form["at_least_one"] == true);
                self.rule(&match (once, many) {
                    (true, true) => tags,
                    (true, false) => format!("{tags} | {text}"),
                    (false, true) => format!("{tags}+ {text}"),
                    (false, false) => format!("{tags}* {text}"),
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

    /// What stands between a beginning and an end.
    fn tag(&mut self, tag: &Value) -> Result<String, String> {
        let begin = edge(tag, "begin")?;
        let rest = self.rest(tag)?;
        Ok(self.rule(&if begin.is_empty() { rest } else { format!("{} {rest}", literal(begin)) }))
    }

    /// A tag behind a text, which ends where the tag first begins.
    fn behind(&mut self, text: &str, tag: &Value) -> Result<String, String> {
        let begin = edge(tag, "begin")?;
        let until = self.named("part", "[lazy]", &format!("{text} {}", literal(begin)));
        Ok(format!("{until} {}", self.rest(tag)?))
    }

    /// A tag behind its beginning. Free text within goes up to the first end.
    fn rest(&mut self, tag: &Value) -> Result<String, String> {
        let end = edge(tag, "end")?;
        if tag["content"]["type"] == "any_text" && !end.is_empty() {
            return Ok(self.named("part", "[lazy]", &format!("/(?s:.*)/ {}", literal(end))));
        }
        let content = self.form(&tag["content"])?;
        Ok(if end.is_empty() { content } else { format!("{content} {}", literal(end)) })
    }

    fn rule(&mut self, body: &str) -> String {
        self.named("part", "", body)
    }

    fn terminal(&mut self, body: &str) -> String {
        self.named("TEXT", "", body)
    }

    fn named(&mut self, kind: &str, how: &str, body: &str) -> String {
        let name = format!("{kind}_{}", self.count);
        self.count += 1;
        self.rules.push_str(&format!("{name}{how}: {body}\n"));
        name
    }
}

/// The beginning or the end of a tag.
fn edge<'v>(tag: &'v Value, name: &str) -> Result<&'v str, String> {
    tag[name].as_str().ok_or_else(|| format!("a tag needs the text `{name}`"))
}

/// Any text in which none of these occurs.
fn free(marks: &[&str]) -> String {
    let marks: Vec<_> = marks.iter().map(|mark| escaped(mark)).collect();
    if marks.is_empty() { "/(?s:.*)/".into() } else { format!("/(?s:.*)/ & ~/(?s:.*)({})(?s:.*)/", marks.join("|")) }
}

/// A text within a regular expression of Lark.
fn escaped(text: &str) -> String {
    text.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_string() } else { format!("\\x{{{:X}}}", u32::from(char)) }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::library;
    use super::*;
    use crate::grammar::Tokens;

    /// How much of a text is allowed, and whether it may end there.
    fn follow(tag: Value, text: &str) -> (usize, bool) {
        let grammar = Grammar::tags("tag", &tag).unwrap();
        let tokens = Tokens { bytes: (0..=255).collect(), lengths: [vec![1; 256], vec![0]].concat(), special: vec![256], ends: vec![256] };
        let mut matcher = library::vocabulary(&tokens).unwrap().compile(&grammar).unwrap();
        let taken = text.bytes().take_while(|&byte| matcher.take(byte.into()).unwrap()).count();
        (taken, matcher.may_end())
    }

    #[test]
    fn tags_may_stand_in_free_text_and_hold_what_their_form_says() {
        let number = json!({"type": "json_schema", "json_schema": {"type": "integer"}});
        let call = |name: &str| json!({"type": "tag", "begin": format!("<f={name}>"), "content": number, "end": "</f>"});
        let triggered = |more: Value| {
            let mut format = json!({"type": "triggered_tags", "triggers": ["<f="], "tags": [call("a"), call("b")]});
            format.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"format": format})
        };
        for (tag, text, taken, ends) in [
            (triggered(json!({})), "hello <f=a>12</f> and <f=b>-3</f>.", 34, true),
            (triggered(json!({})), "no call", 7, true),
            (triggered(json!({})), "<f=a>x", 5, false),
            (triggered(json!({})), "<f=c>", 3, false),
            (triggered(json!({"at_least_one": true})), "no call", 7, false),
            (triggered(json!({"stop_after_first": true})), "<f=a>1</f> ", 10, true),
            (
                json!({"structures": [{"begin": "<f=a>", "schema": {"type": "null"}, "end": "</f>"}], "triggers": ["<f"]}),
                "so <f=a>null</f>",
                16,
                true,
            ),
            (json!({"format": {"type": "tag", "begin": "<t>", "content": {"type": "any_text"}, "end": "</t>"}}), "<t>a < b</t>c", 12, true),
            (
                json!({"format": {"type": "tags_with_separator", "separator": ", ", "tags": [call("a")], "at_least_one": true}}),
                "<f=a>1</f>, <f=a>2</f>",
                22,
                true,
            ),
            (
                json!({"format": {"type": "sequence", "elements": [{"type": "const_string", "value": "A: "}, {"type": "or", "elements": [
                    {"type": "regex", "pattern": "[0-9]/[0-9]"}, {"type": "grammar", "grammar": "root ::= \"yes\" | \"no\""}]}]}}),
                "A: 1/2",
                6,
                true,
            ),
        ] {
            assert_eq!(follow(tag, text), (taken, ends), "{text}");
        }
    }
}
