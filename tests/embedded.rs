//! The embedded model answers held-out prompts through the real engine: package, chat template, tokenizer, kernels, greedy sampling.
//!
//! Each case carries its check as data; `models/train/checks.py` says what the members mean.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tegula::chat::Dialogue;
use tegula::openai::Message;
use tegula::{Prompt, Request};
use tegula_compiler::CompileOptions;
use tegula_gpu::Options;

use crate::{adapter, package};

/// The share of all cases that must be answered rightly: the lowest bar of any skill.
const BAR: f64 = 0.85;

#[test]
fn the_embedded_model_answers_what_it_has_not_seen() {
    let Some(gpu) = adapter(&Options::default()) else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/tegula-tiny");
    let cases = fs::read_to_string(folder.join("heldout.jsonl")).expect("the held-out cases");
    let mut engine = package::engine(&gpu, &folder, &CompileOptions::default());
    let (mut right, mut wrong) = (0, Vec::new());
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let messages: Vec<Message> = serde_json::from_value(case["messages"].clone()).expect("messages");
        let tools = Some(case["tools"].clone()).filter(|tools| !tools.is_null());
        let dialogue = Dialogue { messages, tools, variables: serde_json::Map::new() };
        let most = case["max_tokens"].as_u64().expect("a number") as u32;
        let request = Request { max_tokens: Some(most), ..Request::greedy(Prompt::Chat(dialogue)) };
        let answer = pollster::block_on(engine.complete(request)).expect("an answer").text;
        if passes(&answer, &case["expected"]) { right += 1 } else { wrong.push(format!("{}: {answer}", case["skill"])) }
    }
    let all = right + wrong.len();
    assert!(all >= 50, "only {all} cases");
    assert!(right as f64 >= BAR * all as f64, "{right} of {all} are right; wrong are\n{}", wrong.join("\n"));
    eprintln!("{right} of {all} held-out prompts answered rightly");
}

#[test]
fn checks_judge_as_those_of_the_training_do() {
    let check = |answer, expected: &str| passes(answer, &serde_json::from_str(expected).expect("a check"));
    assert!(check("47 + 38 = 85", r#"{"number": 85}"#) && !check("85 is wrong: 86", r#"{"number": 85}"#));
    assert!(check("It is -3.", r#"{"number": -3}"#) && !check("none", r#"{"number": 3}"#));
    assert!(check("The capital is Paris.", r#"{"all": ["paris"]}"#) && !check("Parisian", r#"{"all": ["Paris"]}"#));
    assert!(check("I don't know that.", r#"{"any": ["don't know", "do not know"], "none": ["Paris"]}"#));
    assert!(check(r#"{"b": true, "a": 1}"#, r#"{"json": {"a": 1, "b": true}}"#) && !check(r#"{"a": 1} ok"#, r#"{"json": {"a": 1}}"#));
    let call = r#"{"call": {"name": "f", "arguments": {"x": 1}}}"#;
    assert!(check("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1}}\n</tool_call>", call) && !check("f(1)", call));
    assert!(check("It is ready.", r#"{"no_call": true}"#) && !check("<tool_call>", r#"{"no_call": true}"#));
}

/// Whether an answer passes every member of a check.
fn passes(answer: &str, expected: &Value) -> bool {
    let texts =
        |value: &Value| value.as_array().into_iter().flatten().map(|text| text.as_str().expect("a text").to_owned()).collect::<Vec<_>>();
    let parses_to = |text: &str, value: &Value| serde_json::from_str::<Value>(text).is_ok_and(|found| found == *value);
    expected.as_object().expect("a check is an object").iter().all(|(rule, value)| match rule.as_str() {
        "all" => texts(value).iter().all(|text| occurs(text, answer)),
        "any" => texts(value).iter().any(|text| occurs(text, answer)),
        "none" => !texts(value).iter().any(|text| occurs(text, answer)),
        "number" => last_number(answer) == value.as_i64(),
        "json" => parses_to(answer, value),
        "call" => {
            let calls: Vec<&str> = answer.split("<tool_call>").skip(1).filter_map(|rest| rest.split("</tool_call>").next()).collect();
            matches!(calls[..], [call] if parses_to(call.trim(), value))
        }
        "no_call" => value == &Value::Bool(false) || !answer.contains("<tool_call>"),
        _ => panic!("unknown check `{rule}`"),
    })
}

/// Whether a text occurs as whole words, whatever the letters' case.
fn occurs(text: &str, answer: &str) -> bool {
    let (text, answer) = (text.to_lowercase(), answer.to_lowercase());
    let touches =
        |own: Option<char>, other: Option<char>| own.is_some_and(char::is_alphanumeric) && other.is_some_and(char::is_alphanumeric);
    answer.match_indices(&text).any(|(at, _)| {
        let (before, after) = (answer[..at].chars().next_back(), answer[at + text.len()..].chars().next());
        !touches(text.chars().next(), before) && !touches(text.chars().next_back(), after)
    })
}

/// The last whole number of a text.
fn last_number(answer: &str) -> Option<i64> {
    let words = answer.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '.');
    words.filter_map(|word| word.trim_end_matches('.').trim_end_matches('-').parse().ok()).next_back()
}
