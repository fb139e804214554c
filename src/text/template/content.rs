//! What a template reads as the content of a message: a text, a list of parts, or both.
//!
//! transformers hands messages to the template as they are, so that is what happens here: `null` is
//! none, a content that is missing stays undefined, a text stays a text, and parts stay parts. But
//! requests come from clients of OpenAI's API, which do not know the template. Many templates read
//! only texts: they lose parts, print them in Python's notation, or fail. A few read only parts.
//! vLLM looks for a loop over the content in the source of the template. Where there is one, texts
//! become a list of one part; where there is none, the texts of parts are joined by line ends.
//! The same is done here, but what a template reads is found by trying it: a short conversation is
//! rendered with each form, for each role. That sees through macros and names of variables, which
//! the search in the source does not, and a template may treat the roles differently.
//!
//! Two more forms are tried where a template fails, as it would in transformers. Arguments of tool
//! calls are objects, as transformers wants them, then the texts that clients send: DeepSeek's
//! templates join them with other texts. And a message without content gets an empty text.

use serde_json::{Map, Value};

use super::{Failure, Templates};

/// The forms of a content that a template reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// Texts only.
    Texts,
    /// Parts only.
    Parts,
    /// Both.
    #[default]
    Both,
}

/// What a template reads, by role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reader(Vec<(&'static str, Reads)>);

const ROLES: [&str; 4] = ["user", "system", "assistant", "tool"];

/// Texts of the trial. Nobody writes them, and no template cuts them.
const FIRST: &str = "vexillum";
const SECOND: &str = "imbrex";
/// A key that only a dump of a part shows.
const KEY: &str = "antefix";

impl Reader {
    /// Tries a template, with the variables that it gets beside the messages.
    pub fn of(templates: &Templates, name: &str, variables: &Value) -> Reader {
        let shown = |role: &str, content: &Value| {
            let mut variables = variables.clone();
            variables["messages"] = trial(role, content);
            let text = templates.render_messages(name, &mut variables, &["{}".into()])?;
            let found = |needle: &str| text.find(needle);
            Ok::<_, Failure>(found(FIRST) < found(SECOND) && found(FIRST).is_some() && found(KEY).is_none())
        };
        let text = Value::from(format!("{FIRST} {SECOND}"));
        let part = |text| format!(r#"{{"type": "text", "text": "{text}", "{KEY}": ""}}"#);
        let parts = format!("[{}, {}]", part(FIRST), part(SECOND));
        let parts: Value = serde_json::from_slice(parts.as_bytes()).expect("it is JSON");
        let mut reader = Reader::default();
        for role in ROLES {
            let (texts, parts) = match (shown(role, &text), shown(role, &parts)) {
                // It would run as long with every form, and the real conversation tells.
                (Err(Failure::Limit(_)), _) | (_, Err(Failure::Limit(_))) => break,
                (texts, parts) => (texts.unwrap_or(false), parts.unwrap_or(false)),
            };
            let reads = match (texts, parts) {
                (true, true) => Reads::Both,
                (true, false) => Reads::Texts,
                (false, true) => Reads::Parts,
                // A role that the template refuses or leaves out: as users'.
                (false, false) => reader.0.first().map_or(Reads::Texts, |(_, reads)| *reads),
            };
            reader.0.push((role, reads));
        }
        reader
    }

    /// What it reads in messages of a role.
    pub fn reads(&self, role: &str) -> Reads {
        let reads = |name| self.0.iter().find(|(role, _)| *role == name).map(|(_, reads)| *reads);
        reads(role).or_else(|| reads(ROLES[0])).unwrap_or_default()
    }
}

/// A short conversation in which a role says something, as every template allows it.
fn trial(role: &str, content: &Value) -> Value {
    // Read from texts: `json!` would write out the code that builds them.
    let (place, text) = match role {
        "system" => (0, r#"[{"role": "system"}, {"role": "user", "content": "Hello"}]"#),
        "assistant" => (1, r#"[{"role": "user", "content": "Hello"}, {"role": "assistant"}, {"role": "user", "content": "Hello"}]"#),
        "tool" => (
            2,
            r#"[{"role": "user", "content": "Hello"}, {"role": "assistant", "content": null, "tool_calls":
                [{"id": "call00001", "type": "function", "function": {"name": "f", "arguments": {}}}]},
                {"role": "tool", "name": "f", "tool_call_id": "call00001"}]"#,
        ),
        _ => (0, r#"[{"role": "user"}]"#),
    };
    let mut messages: Value = serde_json::from_slice(text.as_bytes()).expect("the texts are JSON");
    messages[place]["content"] = content.clone();
    messages
}

impl Templates {
    /// As [`Templates::render`], for variables with `messages`. Where the template fails, it gets
    /// other forms of the messages. `arguments` are those of all tool calls, as texts.
    ///
    /// # Errors
    /// What the template said at first.
    pub fn render_messages(&self, name: &str, variables: &mut Value, arguments: &[Value]) -> Result<String, Failure> {
        let failure = match self.render(name, variables) {
            Err(failure @ Failure::Said(_)) => failure,
            // What goes over a limit is not tried again.
            text => return text,
        };
        let mut empty = variables.clone();
        let filled = fill_empty(&mut empty);
        for (variables, differs) in [(variables, false), (&mut empty, filled)] {
            if differs && let Ok(text) = self.render(name, variables) {
                return Ok(text);
            }
            if put_arguments(variables, arguments)
                && let Ok(text) = self.render(name, variables)
            {
                return Ok(text);
            }
        }
        Err(failure)
    }
}

fn messages(variables: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let messages = variables.get_mut("messages").and_then(Value::as_array_mut);
    messages.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// The arguments of a message's tool calls.
pub fn arguments(message: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
    calls.into_iter().flatten().filter_map(|call| call.pointer_mut("/function/arguments"))
}

/// Puts an empty text where a message has no content. Says whether there was one.
fn fill_empty(variables: &mut Value) -> bool {
    let mut filled = false;
    for message in messages(variables) {
        if message.get("content").is_none_or(Value::is_null) {
            message.insert("content".into(), "".into());
            filled = true;
        }
    }
    filled
}

/// Puts other arguments into the tool calls. Says whether they differ.
fn put_arguments(variables: &mut Value, texts: &[Value]) -> bool {
    let mut differ = false;
    for (place, text) in messages(variables).flat_map(arguments).zip(texts) {
        differ = differ || place != text;
        *place = text.clone();
    }
    differ
}
