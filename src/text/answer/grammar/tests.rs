//! What the grammars let through is what the parser reads, in the notation of every family.

use serde_json::{Value, json};

use super::examples::{is_whole, tools, wrong};
use super::notations::{ARGUMENTS, answers, single_answers};
use super::samples::{Bytes, Random};
use super::*;
use crate::text::answer::families::CALLS;
use crate::text::answer::{Parser, Piece};

/// The format of each entry of the table.
fn formats() -> Vec<Format> {
    CALLS.iter().map(|(texts, _)| Format::of(&texts.concat())).collect()
}

/// Special tokens of real models: all markers of some families, and parts of others'.
const SPECIAL: &[&str] = &[
    "<|channel|>",
    "<|message|>",
    "<|start|>",
    "<|end|>",
    "<|call|>",
    "<|constrain|>",
    "<|return|>",
    "<|tool_call>",
    "<tool_call|>",
    "<|\"|>",
    "<|channel>",
    "<channel|>",
    "｜DSML｜",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁sep｜>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁calls▁end｜>",
    "<|tool_calls_section_begin|>",
    "<|tool_call_begin|>",
    "<|tool_call_argument_begin|>",
    "<|tool_call_end|>",
    "<|tool_calls_section_end|>",
    "<|tool_calls|>",
    "<|tool_call:begin|>",
    "<|tool_call:name|>",
    "<|tool_call:args|>",
    "<|tool_call:end|>",
    "<|calls|>",
    "[TOOL_CALLS]",
    "[ARGS]",
    "[CALL_ID]",
    "<|START_ACTION|>",
    "<|END_ACTION|>",
    "<|START_RESPONSE|>",
    "<|END_RESPONSE|>",
    "<|tools_prefix|>",
    "<|tools_suffix|>",
    "<|role_sep|>",
    "<|message_sep|>",
    "<|function_call|>",
    "<arg_key>",
    "</arg_key>",
    "<arg_value>",
    "</arg_value>",
    "<|tool_call|>",
    "<|/tool_call|>",
    "<|tool_call_start|>",
    "<|python_tag|>",
    "<|python_start|>",
    "<|python_end|>",
];

fn calling(tools: &Value) -> Calling<'_> {
    Calling { tools, only: None, must: true, parallel: true, answer: None }
}

fn grammar(format: &Format, calling: &Calling, bytes: &Bytes) -> Grammar {
    format.calling(calling, &bytes.special).unwrap().unwrap()
}

/// Names and arguments of the calls that the parser finds, and the content around them.
fn read(format: &Format, text: &str, tools: &Value) -> (Vec<(String, String)>, String) {
    let mut parser = Parser::new(format, "", Some(tools));
    let mut pieces = parser.push(text);
    pieces.extend(parser.finish());
    let (mut calls, mut content): (Vec<(String, String)>, String) = Default::default();
    for piece in pieces {
        match piece {
            Piece::Content(text) => content.push_str(&text),
            Piece::Call { name, .. } => calls.push((name, String::new())),
            Piece::Arguments { text, .. } => calls.last_mut().unwrap().1.push_str(&text),
            Piece::Reasoning(_) => {}
        }
    }
    (calls, content)
}

/// Draws answers and hands over what the parser makes of them.
fn drawn(special: &[&str], calling: &Calling, seed: u64, mut check: impl FnMut(&Format, &str, &[(String, String)], &str)) {
    let (bytes, mut random) = (Bytes::new(special), Random(seed));
    for format in formats() {
        let grammar = grammar(&format, calling, &bytes);
        let matcher = bytes.matcher(&grammar);
        let mut ends = vec!["\"", "'"];
        ends.extend(format.markers(true));
        for length in [40, 150, 400] {
            let mut text = bytes.draw(&mut matcher.clone(), &mut random, length, &ends);
            // The first marker has begun before: the prompt ended with it, or it was held for another.
            for (mark, rests) in [(">>>", &["find", "now", "all\n"][..]), ("<|channel|>", &["commentary", "analysis"])] {
                let begun =
                    format.markers(true).iter().any(|known| known.starts_with(mark)) && rests.iter().any(|rest| text.starts_with(rest));
                text.insert_str(0, if begun { mark } else { "" });
            }
            let (calls, content) = read(&format, &text, calling.tools);
            check(&format, &text, &calls, &content);
            for (name, arguments) in &calls {
                assert_eq!(wrong(name, arguments), None, "{text:?} in {format:?}: {calls:?}");
            }
        }
    }
}

#[test]
fn every_answer_that_must_call_does() {
    let tools = tools();
    for (special, seed) in [(&[][..], 0x9e37_79b9_7f4a_7c15), (SPECIAL, 0x1234_5678_9abc_def1)] {
        drawn(special, &calling(&tools), seed, |format, text, calls, content| {
            assert!(!calls.is_empty() && content.trim().is_empty(), "{text:?} in {format:?}: {calls:?}, {content:?}");
        });
    }
}

#[test]
fn text_may_come_first_or_be_all() {
    let tools = tools();
    let calling = Calling { must: false, ..calling(&tools) };
    for (special, seed) in [(&[][..], 0x0dd0_79b9_7f4a_7c15), (SPECIAL, 0x4321_5678_9abc_def1)] {
        drawn(special, &calling, seed, |_, _, _, _| {});
    }
}

#[test]
fn what_models_were_trained_to_write_is_let_through() {
    let tools = tools();
    let must = calling(&tools);
    for special in [&[][..], SPECIAL] {
        let bytes = Bytes::new(special);
        for (template, text) in answers() {
            let format = Format::of(template);
            let many = grammar(&format, &must, &bytes);
            let either = grammar(&format, &Calling { must: false, ..must.clone() }, &bytes);
            let one = grammar(&format, &Calling { parallel: false, ..must.clone() }, &bytes);
            assert_eq!(bytes.follow(&many, &text), (text.as_str(), true), "{template}");
            assert!(bytes.accepts(&either, &text), "{text}");
            assert!(!bytes.accepts(&one, &text), "{text} are two calls");
            let whole = if template == ">>>all" && !text.starts_with(">>>") { format!(">>>{text}") } else { text.clone() };
            let values = |arguments: &str| serde_json::from_str::<Value>(arguments).unwrap();
            let calls: Vec<_> = read(&format, &whole, &tools).0.into_iter().map(|(name, given)| (name, values(&given))).collect();
            assert_eq!(calls, [("find_book".to_owned(), values(ARGUMENTS[0])), ("find".to_owned(), values(ARGUMENTS[1]))], "{text}");
        }
    }
    let bytes = Bytes::new(SPECIAL);
    for (template, texts) in single_answers() {
        let format = Format::of(template);
        for text in texts {
            assert_eq!(bytes.follow(&grammar(&format, &must, &bytes), &text), (text.as_str(), true), "{template}");
            assert_eq!(read(&format, &text, &tools).0, [("find_book".to_owned(), ARGUMENTS[0].to_owned())], "{text}");
        }
    }
}

/// All answers of the tests, with the formats that they are of.
fn all() -> impl Iterator<Item = (Format, String)> {
    let single = single_answers().into_iter().flat_map(|(template, texts)| texts.into_iter().map(move |text| (template, text)));
    answers().into_iter().chain(single).map(|(template, text)| (Format::of(template), text))
}

#[test]
fn other_names_and_other_types_are_refused() {
    let tools = tools();
    let bytes = Bytes::new(SPECIAL);
    for (format, text) in all() {
        let grammar = grammar(&format, &calling(&tools), &bytes);
        for (right, wrong) in [("find_book", "find_bock"), ("find_book", "fin"), ("novel", "novell"), ("kind", "kinds"), (" null", " 7")] {
            let other = text.replace(right, wrong);
            // A text in tags may be `7`, and reads as one.
            if other != text && !(wrong == " 7" && other.contains("</")) {
                assert!(!bytes.accepts(&grammar, &other), "{other}");
            }
        }
        for (right, wrong) in [("[1, 2]", "[1, true]"), ("exact", "exactly"), ("\"x\": -2", "\"x\": \"-2\"")] {
            let other = text.replace(right, wrong);
            assert!(other == text || !bytes.accepts(&grammar, &other), "{other}");
        }
        assert!(!bytes.accepts(&grammar, "") && !bytes.accepts(&grammar, "No."));
    }
}

#[test]
fn only_some_tools_may_be_called() {
    let tools = tools();
    let bytes = Bytes::new(SPECIAL);
    let only = |name: &str| Calling { only: Some(vec![name.to_owned()]), ..calling(&tools) };
    for (format, text) in all() {
        assert!(!bytes.accepts(&grammar(&format, &only("find"), &bytes), &text), "{text} calls another");
        let error = format.calling(&only("none"), &bytes.special).unwrap().unwrap_err();
        assert!(error.to_string().contains("no tool"), "{error}");
    }
    for (format, text) in single_answers().into_iter().map(|(template, mut texts)| (Format::of(template), texts.remove(0))) {
        assert!(bytes.accepts(&grammar(&format, &only("find_book"), &bytes), &text), "{text}");
    }
    assert!(Format::default().calling(&calling(&tools), &[]).is_none());
}

#[test]
fn text_and_calls_are_told_apart() {
    let tools = tools();
    let bytes = Bytes::new(SPECIAL);
    let free = Calling { must: false, ..calling(&tools) };
    let one_of = |answer: Grammar, texts: [&str; 2]| {
        let grammar = grammar(&Format::of("<tool_call>"), &Calling { answer: Some(&answer), ..free.clone() }, &bytes);
        texts.map(|text| bytes.accepts(&grammar, text))
    };
    assert_eq!(one_of(Grammar::regex("answer", r"a/b\/[0-9]+"), ["a/b/12", "a/b"]), [true, false]);
    assert_eq!(one_of(Grammar::regex("answer", ""), ["", "a"]), [true, false]);
    assert_eq!(one_of(Grammar::choice("answer", &["yes".into(), "no".into()]), ["no", "<tool_call>"]), [true, false]);
    let schema = Grammar::json("response_format", &json!({"type": "object", "required": ["a"]}), false);
    for (format, text) in all() {
        let either = grammar(&format, &free, &bytes);
        let answer = grammar(&format, &Calling { answer: Some(&schema), ..free.clone() }, &bytes);
        let lead = if format.silent().contains(&">>>all\n") { "all\n" } else { "" };
        assert!(bytes.accepts(&either, &format!("{lead}It is [1] {{2}} <3>.")), "{format:?}");
        assert!(bytes.accepts(&answer, &format!("{lead}{{\"a\": 1}}")), "{format:?}");
        assert!(bytes.accepts(&answer, &text) && !bytes.accepts(&answer, &format!("{lead}Text.")), "{text}");
        // Bare calls have nothing that would tell them from text.
        if !format.calls.unwrap().bare && (lead.is_empty() || text.starts_with(">>>")) && !text.starts_with("commentary") {
            let text = format!("{lead}It is.\n{text}");
            assert_eq!(bytes.follow(&either, &text), (text.as_str(), true));
            let (calls, content) = read(&format, &text, &tools);
            assert!(!calls.is_empty() && content.contains("It is."), "{text}: {calls:?}, {content:?}");
        }
    }
}

#[test]
fn values_of_any_kind_are_read() {
    let tools = json!([{"name": "keep", "parameters": {"type": "object", "required": ["tree", "fixed", "either", "more"], "properties": {
        "any": {}, "tree": {"$ref": "#/$defs/tree"}, "fixed": {"enum": [1, null, "it's", {"a": [true]}]},
        "either": {"type": ["integer", "string"]},
        "more": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 9}}},
        "$defs": {"tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/tree"}, "leaf": {"type": "boolean"}},
            "required": ["leaf"], "additionalProperties": false}}}}]);
    fn is_tree(value: &Value) -> bool {
        value["leaf"].is_boolean() && value.get("left").is_none_or(is_tree)
    }
    let fixed = [json!(1), Value::Null, json!("it's"), json!({"a": [true]})];
    let (bytes, mut random) = (Bytes::new(SPECIAL), Random(0x7777_5678_9abc_def1));
    for template in ["<|tool_call_start|>", "<|tool_call>call:", "<start_function_call>", "<function= <parameter=", "｜DSML｜"] {
        let format = Format::of(template);
        let matcher = bytes.matcher(&grammar(&format, &Calling { parallel: false, ..calling(&tools) }, &bytes));
        let ends = [vec!["\"", "'"], format.markers(true)].concat();
        for length in [60, 100, 200, 300] {
            let text = bytes.draw(&mut matcher.clone(), &mut random, length, &ends);
            let (calls, _) = read(&format, &text, &tools);
            let [(_, arguments)] = &calls[..] else { panic!("{text:?}: {calls:?}") };
            let given: Value = serde_json::from_str(arguments).unwrap();
            let more = given["more"].as_object().is_some_and(|more| more.values().all(Value::is_number));
            let either = given["either"].is_string() || is_whole(&given["either"]);
            assert!(is_tree(&given["tree"]) && fixed.contains(&given["fixed"]) && either && more, "{text:?}: {given}");
        }
    }
}
