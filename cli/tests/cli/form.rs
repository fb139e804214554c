//! Answers of a form, and calls of tools, from files of the command line. The embedded model answers.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::folder::{Folder, has_device};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tegula-tiny");

/// A folder with files for the flags.
fn files() -> Folder {
    let folder = Folder::new("llama");
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["city", "size"],
        "properties": {"city": {"enum": ["Paris", "Rome"]}, "size": {"type": "integer", "minimum": 1, "maximum": 99}}});
    let partly = json!({"type": "boolean", "not": {"const": false}});
    let tools = json!([
        {"type": "function", "function": {"name": "internet_search", "parameters": {"type": "object", "properties": {"text": {"type": "string"}}}}},
        {"type": "function", "function": {"name": "headlines", "description": "Look up headlines",
            "parameters": {"type": "object", "properties": {"topic": {"type": "string"}}, "required": ["topic"]}}},
    ]);
    for (name, text) in [
        ("city.json", format!("\u{feff}{schema}")),
        ("partly.json", partly.to_string()),
        ("tools.json", tools.to_string()),
        ("sum.gbnf", "root ::= [0-9] (\"+\" [0-9])+".into()),
        ("yes.lark", "start: \"yes\" | \"no\"".into()),
        ("list.json", "[1]".into()),
        ("none.json", "[]".into()),
        ("broken.json", "{\"type\": ".into()),
        ("empty.json", " \n".into()),
        ("colour.json", "{\"type\": \"colour\"}".into()),
        ("rule.gbnf", "root ::= other".into()),
        ("named.json", "[{\"type\": \"function\", \"function\": {\"name\": 7}}]".into()),
    ] {
        fs::write(folder.path(name), text).unwrap();
    }
    folder
}

#[test]
fn files_that_cannot_be_used_are_named_before_a_model_is_looked_for() {
    let folder = files();
    for (flags, words) in [
        (["--json-schema", "missing.json"], ["cannot read missing.json", "No such file"]),
        (["--json-schema", "broken.json"], ["broken.json is no JSON", "line 1"]),
        (["--json-schema", "empty.json"], ["empty.json is empty", ""]),
        (["--json-schema", "list.json"], ["list.json is no JSON schema", "an object"]),
        (["--json-schema", "colour.json"], ["cannot use colour.json", "colour"]),
        (["--grammar", "rule.gbnf"], ["cannot use rule.gbnf", "the rule `other` of `root` is missing"]),
        (["--grammar", "list.json"], ["cannot use list.json", "`--grammar` is no grammar"]),
        (["--regex", "(a"], ["`--regex` is no grammar", "(a"]),
        (["--tools", "missing.json"], ["cannot read missing.json", "No such file"]),
        (["--tools", "city.json"], ["cannot use city.json", "`tools` is {"]),
        (["--tools", "none.json"], ["none.json has no tools", ""]),
        (["--tools", "named.json"], ["cannot use named.json", "`tools[0].function.name` is 7"]),
    ] {
        for command in [&["run", "none", "hi"][..], &["chat", "none"]] {
            let error = folder.fail(&[command, &flags].concat());
            assert!(words.iter().all(|word| error.contains(word)), "{words:?} in {error}");
        }
    }
}

#[test]
fn answers_keep_to_schemas_grammars_and_expressions() {
    let folder = files();
    if !has_device(&folder) {
        return;
    }
    let run = |flags: &[&str]| folder.run(&[&["run", MODEL, "Name a city.", "--seed", "3", "--max-tokens", "60"], flags].concat());
    let text = |flags: &[&str]| {
        let output = run(flags);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let city: Value = serde_json::from_str(&text(&["--json-schema", "city.json"])).unwrap();
    assert!(city["city"] == "Paris" || city["city"] == "Rome", "{city}");
    assert!(city["size"].as_u64().is_some_and(|size| (1..=99).contains(&size)), "{city}");
    let sum = text(&["--grammar", "sum.gbnf"]);
    assert!(sum.trim_end().split('+').all(|part| part.len() == 1 && part.parse::<u8>().is_ok()) && sum.contains('+'), "{sum}");
    assert!(["yes\n", "no\n"].contains(&text(&["--grammar", "yes.lark"]).as_str()));
    assert_eq!(text(&["--raw", "--regex", "-{3}a"]), "---a\n");

    let output = run(&["--json-schema", "partly.json", "--json", "--n", "2"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("note: answers keep to partly.json only in part") && said.contains("not"), "{said}");
    let answers: Vec<Value> = String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 2);
    for answer in answers {
        assert!(answer["text"] == "true" || answer["text"] == "false", "{answer}");
        assert!(answer.get("tool_calls").is_none() && answer["finish_reason"] == "stop", "{answer}");
    }
}

#[test]
fn calls_are_lines_of_json() {
    let folder = files();
    if !has_device(&folder) {
        return;
    }
    let system = "You are a small assistant that runs in the browser. Answer briefly.";
    let question = "Keep me up to date: what's going on with winter tyres?";
    let run = ["run", MODEL, question, "--system", system, "--tools", "tools.json", "--temperature", "0", "--max-tokens", "128"];
    let call = json!({"name": "headlines", "arguments": {"topic": "winter tyres"}});
    assert_eq!(folder.succeed(&run), format!("{call}\n"));
    let answer = folder.json(&[&run[..], &["--json"]].concat());
    assert_eq!((&answer["tool_calls"], &answer["text"], &answer["finish_reason"]), (&json!([call]), &json!(""), &json!("tool_calls")));

    assert_eq!(folder.succeed(&[&run[..], &["--json-schema", "city.json"]].concat()), format!("{call}\n"), "a form forbids no calls");

    // In a chat the user gives the result, and the conversation is that of the API.
    let chat = ["chat", MODEL, "--system", system, "--tools", "tools.json", "--temperature", "0", "--max-tokens", "128"];
    let mut child = folder.command(&chat).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = format!("/tool too early\n{question}\n/tool Winter tyres are sold out.\n/tool too late\n/save talk.json\n/exit\n");
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (text, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && text.contains(&format!("{call}\n")), "{text}{said}");
    assert_eq!(said.matches("No call waits for a result.").count(), 2, "{said}");
    let talk: Vec<Value> = serde_json::from_slice(&fs::read(folder.path("talk.json")).unwrap()).unwrap();
    let roles: Vec<_> = talk.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "assistant"]);
    let made = &talk[2]["tool_calls"][0];
    assert_eq!((&talk[2]["content"], &made["function"]["name"]), (&Value::Null, &json!("headlines")));
    assert_eq!((&talk[3]["tool_call_id"], &talk[3]["content"]), (&made["id"], &json!("Winter tyres are sold out.")));
    assert!(talk[4]["content"].as_str().is_some_and(|content| !content.is_empty()), "{talk:?}");
}
