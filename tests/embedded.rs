//! The embedded model answers held-out prompts through the real engine: package, chat template, tokenizer, kernels, greedy sampling.
//!
//! Each case carries its check as data; `models/train/checks.py` says what the members mean.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use tegula::text::chat::Dialogue;
use tegula::text::message::Message;
use tegula::{Prompt, Request};
use tegula_compiler::CompileOptions;
use tegula_gpu::Options;

use crate::{adapter, package};

#[test]
fn the_embedded_model_answers_what_it_has_not_seen() {
    let Some(gpu) = adapter(&Options::default()) else { return };
    if gpu.info().name.contains("SwiftShader") {
        eprintln!("skipped: SwiftShader writes three tokens a second; three of the prompts run there in the browser's tests");
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/tegula-tiny");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let evaluation: Value = serde_json::from_str(&read("eval.json")).expect("eval.json is JSON");
    // As the command line chooses schedules: by what was measured on this device, if anything was.
    let by_records = CompileOptions { device: Some(gpu.info().name.clone()), ..CompileOptions::default() };
    let mut engine = package::engine(&gpu, &folder, &by_records);
    // By bar, in percent: a few cases a skill say little of that skill, but those that share a bar are enough to hold against it.
    let mut groups: BTreeMap<u64, (usize, Vec<String>)> = BTreeMap::new();
    for line in read("heldout.jsonl").lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let skill = case["skill"].as_str().expect("a case names its skill");
        let bar = evaluation["skills"][skill]["bar"].as_u64().unwrap_or_else(|| panic!("{skill} has no bar"));
        let messages: Vec<Message> = serde_json::from_value(case["messages"].clone()).expect("messages");
        let tools = Some(case["tools"].clone()).filter(|tools| !tools.is_null());
        let dialogue = Dialogue { messages, tools, ..Dialogue::default() };
        let most = case["max_tokens"].as_u64().expect("a number") as u32;
        let request = Request { max_tokens: Some(most), ..Request::greedy(Prompt::Chat(dialogue)) };
        let answer = engine.complete(request).expect("an answer").text;
        let (right, wrong) = groups.entry(bar).or_default();
        if passes(&answer, &case["expected"]) { *right += 1 } else { wrong.push(format!("{skill}: {answer}")) }
    }
    let all: usize = groups.values().map(|(right, wrong)| right + wrong.len()).sum();
    assert!(all >= 50, "only {all} cases");
    for (bar, (right, wrong)) in &groups {
        let all = right + wrong.len();
        eprintln!("bar of {bar} %: {right} of {all} held-out prompts answered rightly");
        assert!(100 * right >= *bar as usize * all, "{right} of {all} are right, under {bar} %; wrong are\n{}", wrong.join("\n"));
    }
}

#[test]
fn checks_judge_as_those_of_the_training_do() {
    let check = |answer: &str, expected: &str| passes(answer, &serde_json::from_str(expected).expect("a check"));
    assert!(check("47 + 38 = 85", r#"{"number": 85}"#) && !check("85 is wrong: 86", r#"{"number": 85}"#));
    assert!(check("It is -3.", r#"{"number": -3}"#) && !check("none", r#"{"number": 3}"#));
    assert!(check("The capital is Paris.", r#"{"all": ["paris"]}"#) && !check("Parisian", r#"{"all": ["Paris"]}"#));
    assert!(check("I don't know that.", r#"{"any": ["don't know", "do not know"], "none": ["Paris"]}"#));
    assert!(check(r#"{"b": true, "a": 1}"#, r#"{"json": {"a": 1, "b": true}}"#) && !check(r#"{"a": 1} ok"#, r#"{"json": {"a": 1}}"#));
    let call = r#"{"call": {"name": "f", "arguments": {"x": 1}}}"#;
    assert!(check("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1}}\n</tool_call>", call) && !check("f(1)", call));
    assert!(check("It is ready.", r#"{"no_call": true}"#) && !check("<tool_call>", r#"{"no_call": true}"#));
    let story = r#"{"story": {"names": ["Ida", "Rex"], "foreign": ["Tom"], "words": 12}}"#;
    let good = "Ida and Rex went to the sea one day. There Rex found a shell, and Ida was glad.";
    assert!(check(good, story) && !check(&good.replace("Ida was", "she was"), story) && !check(&good.replace("shell", "Tom"), story));
    assert!(!check(&format!("{good} {good}"), story) && !check("Ida and Rex saw Ida and Rex.", story));
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
        "story" => {
            let most = value["words"].as_u64().expect("a number of words") as usize;
            holds_together(answer, &texts(&value["names"]), &texts(&value["foreign"]), most)
        }
        _ => panic!("unknown check `{rule}`"),
    })
}

/// Whether a story has so many words, names all its characters at least twice and nobody else, repeats no sentence, and keeps four of five
/// word triples distinct.
fn holds_together(answer: &str, names: &[String], foreign: &[String], fewest_words: usize) -> bool {
    let lower = answer.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_lowercase() && c != '\'').filter(|word| !word.is_empty()).collect();
    let mentions = |name: &str| answer.split(|c: char| !c.is_alphanumeric()).filter(|word| *word == name).count();
    let mut sentences: Vec<&str> = answer.split_inclusive(['.', '!', '?']).map(str::trim).collect();
    sentences.retain(|sentence| sentence.split_whitespace().count() > 3);
    let triples: HashSet<&[&str]> = words.windows(3).collect();
    words.len() >= fewest_words
        && names.iter().all(|name| mentions(name) >= 2)
        && !foreign.iter().any(|name| occurs(name, answer))
        && sentences.iter().collect::<HashSet<_>>().len() == sentences.len()
        && 5 * triples.len() >= 4 * (words.len() - 2)
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
