//! Calls in each shape of notation, as rules.

use serde_json::{Value, json};

use super::rules::{BLANK, Rules};
use super::tool::{Member, Tool, members};
use super::written::{Values, in_order};
use crate::grammar::literal;
use crate::text::answer::shape::{Calls, Dialect, Head, Members, PYTHON, Part, Plain, Shape, Tags};
use crate::text::answer::value::{choices, may_be_text, only_text, resolved, types};

/// Writes the calls of a section.
pub(super) struct Writer<'a, 's> {
    pub(super) rules: &'a mut Rules<'s>,
    pub(super) calls: &'static Calls,
    pub(super) tools: &'a [Tool<'a>],
    /// There may be several calls.
    pub(super) parallel: bool,
}

impl Writer<'_, '_> {
    /// What stands behind the marker that begins a section, or a call where there is no section.
    pub(super) fn section(&mut self) -> String {
        let calls = self.calls;
        let (body, listed) = match &calls.shape {
            Shape::Plain(Plain::Objects(members)) => (self.objects(members), false),
            Shape::Plain(Plain::List(members)) => {
                let object = self.objects(members);
                (self.list(&object), true)
            }
            Shape::Plain(Plain::Python) => (self.python(), true),
            Shape::Plain(Plain::Either(members)) => {
                let objects = self.objects(members);
                let more = self.more("\";\"", &objects);
                let python = self.python();
                (format!("({objects}{more} | {python})"), true)
            }
            Shape::Keyed => {
                let keyed = self.each(|writer, tool| {
                    let name = literal(&Value::from(tool.name).to_string());
                    format!("\"{{\" {BLANK} {name} {BLANK} \":\" {BLANK} {} {BLANK} \"}}\"", writer.json(tool))
                });
                (self.list(&keyed), true)
            }
            Shape::Headed(head) => (self.each(|writer, tool| writer.headed(head, tool)), false),
            Shape::Tagged(tags) => (self.each(|writer, tool| writer.tagged(tags, tool)), false),
            Shape::Written(dialect) => (self.each(|writer, tool| writer.written(dialect, tool)), false),
        };
        let ends: Vec<_> = calls.item_end.iter().map(|mark| format!("{BLANK} {}", self.rules.mark(mark))).collect();
        let whole = ends.join(" ");
        if calls.open.is_empty() {
            // The last marker may be what ends the answer, which then does without it.
            let ends = if calls.item_end.iter().any(|mark| self.is_special(mark)) { format!("({whole})?") } else { whole };
            let close = self.close(false);
            return self.rules.rule(&format!("{body} {ends} {close}"));
        }
        let items = if calls.item.is_empty() {
            format!("{body} {whole}")
        } else {
            let item = self.rules.marks(calls.item);
            let call = self.rules.rule(&format!("{item} {body} {whole}"));
            let more = if self.parallel { format!(" ({BLANK} {call})*") } else { String::new() };
            format!("{call}{more}")
        };
        let close = self.close(listed);
        self.rules.rule(&format!("{BLANK} {items} {close}"))
    }

    fn is_special(&self, mark: &str) -> bool {
        !self.rules.specials(mark).is_empty()
    }

    /// What ends a section. It may be missing where it could be what ends the answer, or where a list has ended already.
    fn close(&mut self, listed: bool) -> String {
        let marks = self.calls.close;
        if marks.is_empty() {
            return String::new();
        }
        let close = format!("{BLANK} ({})", self.rules.marks(marks));
        if listed || marks.iter().any(|mark| self.is_special(mark)) { format!("({close})?") } else { close }
    }

    /// The call of any tool.
    fn each(&mut self, mut call: impl FnMut(&mut Self, &Tool) -> String) -> String {
        let tools = self.tools;
        let calls: Vec<_> = tools.iter().map(|tool| call(self, tool)).collect();
        self.rules.rule(&calls.join(" | "))
    }

    /// Further calls behind the first one.
    fn more(&self, separator: &str, call: &str) -> String {
        if self.parallel { format!(" ({BLANK} {separator} {BLANK} {call})*") } else { String::new() }
    }

    fn list(&mut self, call: &str) -> String {
        let more = self.more("\",\"", call);
        self.rules.rule(&format!("\"[\" {BLANK} {call}{more} {BLANK} \"]\""))
    }

    fn json(&mut self, tool: &Tool) -> String {
        self.rules.json(&tool.schema, tool.strict)
    }

    /// `{"name": …, "arguments": {…}}`.
    fn objects(&mut self, members: &Members) -> String {
        let key = |key: &str| format!("{} {BLANK} \":\" {BLANK}", literal(&Value::from(key).to_string()));
        let (name, arguments) = (key(members.name), key(members.arguments));
        let mut extra = |(name, value): (&str, &str)| format!("{} {}", key(name), self.rules.terminal(&format!("/{value}/")));
        let first = members.first.map(|member| format!("({} {BLANK} \",\" {BLANK})?", extra(member))).unwrap_or_default();
        let last = members.last.map(|member| format!("({BLANK} \",\" {BLANK} {})?", extra(member))).unwrap_or_default();
        self.each(|writer, tool| {
            let value = literal(&Value::from(tool.name).to_string());
            let json = writer.json(tool);
            format!("\"{{\" {BLANK} {first} {name} {value} {BLANK} \",\" {BLANK} {arguments} {json} {last} {BLANK} \"}}\"")
        })
    }

    /// `[name(key=value)]`.
    fn python(&mut self) -> String {
        let call = self.each(|writer, tool| writer.written(&PYTHON, tool));
        self.list(&call)
    }

    /// A name and arguments as a programming language writes them.
    fn written(&mut self, dialect: &'static Dialect, tool: &Tool) -> String {
        let begin = literal(&format!("{}{}", tool.name, dialect.open));
        let arguments = Values::new(self.rules, dialect, &tool.schema).arguments();
        format!("{begin} {arguments} {}", literal(&dialect.close.to_string()))
    }

    /// A head, and arguments as JSON.
    fn headed(&mut self, head: &Head, tool: &Tool) -> String {
        let id = self.rules.terminal("/[A-Za-z0-9_-]{1,32}/");
        let split = self.rules.mark(head.split);
        let mut parts = Vec::new();
        for (at, part) in head.parts.iter().enumerate() {
            let before = if at == 0 { "" } else { split.as_str() };
            parts.push(match part {
                Part::Name => format!("{before} {}", literal(tool.name)),
                // The name says enough.
                Part::Id if at > 0 => format!("({before} {id})?"),
                Part::Id => id.clone(),
                Part::Path => format!("{before} {} {}", literal(&format!("functions.{}:", tool.name)), self.rules.terminal("/[0-9]{1,4}/")),
                Part::Kind => format!("{before} \"function\""),
            });
        }
        if !head.asides.is_empty() {
            parts.push(format!("({})?", self.rules.marks(head.asides)));
        }
        format!("{} {} {BLANK} {}", parts.join(" "), self.rules.mark(head.end), self.json(tool))
    }

    /// A name, and arguments in tags.
    fn tagged(&mut self, tags: &Tags, tool: &Tool) -> String {
        let members = members(&resolved(&tool.schema, &tool.schema));
        let members: Vec<_> = members.iter().map(|member| (self.argument(tags, tool, member), member.required)).collect();
        let arguments = in_order(self.rules, &members, "");
        format!("{} {BLANK} {arguments} {}", self.rules.mark(&format!("{}{}", tool.name, tags.name_end)), self.rules.mark(tags.end))
    }

    /// An argument in tags, and blanks behind it.
    fn argument(&mut self, tags: &Tags, tool: &Tool, member: &Member) -> String {
        let schema = resolved(&member.schema, &tool.schema);
        let begin = |writer: &Self, attribute: &str| {
            let key = writer.rules.mark(&format!("{}{}{attribute}{}", tags.key, member.key, tags.key_end));
            if tags.value.is_empty() { key } else { format!("{key} {BLANK} {}", writer.rules.mark(tags.value)) }
        };
        let mut ways = Vec::new();
        let end = self.rules.mark(tags.value_end);
        let is_any = types(&schema).is_empty();
        let (text, other) = (is_any || may_be_text(Some(&schema)), !only_text(Some(&schema)));
        // Without an attribute a text may be anything, and other values read as what they are.
        if text {
            let meant = |value: &&Value| value.is_string() || !tags.says;
            let texts = choices(&schema).map(|values| values.iter().filter(meant).map(|value| choice(tags, value)).collect::<Vec<_>>());
            let value = match texts {
                Some(texts) => format!("({}) {end}", texts.join(" | ")),
                None => self.rules.until(&[tags.value_end], ""),
            };
            ways.push(format!("{} {value}", begin(self, if tags.says { "\" string=\"true" } else { "" })));
        }
        if other && (tags.says || !text) {
            let schema = if is_any { json!({}) } else { tool.part(&member.schema) };
            let json = self.rules.json(&schema, tool.strict);
            let begin = begin(self, if tags.says { "\" string=\"false" } else { "" });
            ways.push(format!("{begin} {BLANK} {json} {BLANK} {end}"));
        }
        let argument = self.rules.one(&ways);
        self.rules.rule(&format!("({argument}) {BLANK}"))
    }
}

/// A value that a schema names, as a text in tags.
fn choice(tags: &Tags, value: &Value) -> String {
    let text = literal(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    if tags.padded { format!("\"\\n\"? {text} \"\\n\"?") } else { text }
}
