//! Histories with tool calls, which real templates must write as Python's Jinja does.
//!
//! The templates are not ours to keep, and neither is what they write: `expected.txt` has digests of it, and `render.py` made them.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tegula_package::mlc::ChatConfig;

use super::chat::{Chat, Dialogue};
use super::tokenizer::TokenizerConfig;

const HISTORIES: &str = include_str!("histories.json");
const EXPECTED: &str = include_str!("expected.txt");

/// Some templates print the day that it is. `render.py` puts the same before them.
const DAY: &str = "{%- macro strftime_now(format) -%}DAY{%- endmacro %}";

/// Python fails to write what the first hands to `tojson`, a list that a filter makes as it goes. What the second adds to a text that is
/// `safe`, Python writes with the escapes of HTML. Here both write what was meant.
const NOT_AS_IN_PYTHON: [&str; 2] = ["llama-cpp-deepseek-r1.jinja", "meetkai-functionary-medium-v3.1.jinja"];

#[test]
fn templates_write_calls_and_results_as_python_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/chat-templates");
    if !folder.is_dir() {
        eprintln!("skipped: {} is absent", folder.display());
        return;
    }
    let given: Value = serde_json::from_str(HISTORIES).unwrap();
    let config = TokenizerConfig::parse(r#"{"bos_token": "<s>", "eos_token": "</s>"}"#).unwrap();
    let (mut wrong, mut same, mut refused) = (Vec::new(), 0, 0);
    for line in EXPECTED.lines() {
        let (digests, name) = line.rsplit_once(' ').unwrap();
        let template = std::fs::read_to_string(folder.join(name)).unwrap();
        let chat = Chat::new(Some(&config), Some(&format!("{DAY}{template}")), &ChatConfig::parse("{}").unwrap());
        let histories = given["histories"].as_object().unwrap();
        assert_eq!(digests.split(' ').count(), histories.len(), "{name}");
        for (expected, (history, messages)) in digests.split(' ').zip(histories) {
            let messages = serde_json::from_value(as_requested(messages)).unwrap();
            let text = chat.render(&Dialogue { messages, tools: Some(given["tools"].clone()), ..Dialogue::default() });
            let found = text.as_ref().map_or("refused".to_owned(), |text| digest(text));
            match (found == expected, expected) {
                (true, "refused") => refused += 1,
                (true, _) => same += 1,
                (false, _) if NOT_AS_IN_PYTHON.contains(&name) => assert!(text.is_ok(), "{name}: {text:?}"),
                (false, _) => wrong.push(format!("{name}, {history}: {text:?}")),
            }
        }
    }
    eprintln!("{same} texts are the same, {refused} histories are refused by both");
    assert!(wrong.is_empty(), "{} texts differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(same > 100);
}

/// A history as requests have it, where arguments are texts that hold JSON.
fn as_requested(messages: &Value) -> Value {
    let mut messages = messages.clone();
    for message in messages.as_array_mut().unwrap() {
        for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
            let arguments = call["function"]["arguments"].to_string();
            call["function"]["arguments"] = json!(arguments);
        }
    }
    messages
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
