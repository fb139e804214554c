//! Requests as people send them, right and wrong.

use serde_json::json;

use super::fields::{CHAT, Rule, SHARED};
use super::*;
use crate::api::response::ErrorResponse;
use crate::grammar::Kind;
use crate::text::message::Message;

pub(super) fn chat(mut fields: Value) -> Result<ApiRequest> {
    if fields.get("messages").is_none() {
        fields["messages"] = json!([{"role": "user", "content": "hi"}]);
    }
    ApiRequest::chat(&fields.to_string())
}

fn request(fields: Value, config: &str) -> Result<Request> {
    Ok(chat(fields)?.requests(&ChatConfig::parse(config).unwrap()).remove(0))
}

pub(super) fn completion(fields: &Value) -> Result<ApiRequest> {
    let mut fields = fields.clone();
    fields.as_object_mut().unwrap().entry("prompt").or_insert("Once".into());
    ApiRequest::completion(&fields.to_string())
}

#[test]
fn fields_reach_the_engine() {
    let fields = json!({
        "model": "m", "stream": true, "stream_options": {"include_usage": true}, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "min_p": 0.05,
        "max_tokens": 7.0, "seed": -1,
        "stop": "\n", "frequency_penalty": 0.5, "presence_penalty": -0.5, "repetition_penalty": 1.5, "logit_bias": {"12": -100},
        "ignore_eos": true, "tools": [], "user": "someone", "n": 1, "response_format": {"type": "text"}, "extra_body": {"enable_thinking": false},
    });
    let whole = chat(fields.clone()).unwrap();
    assert_eq!((whole.model.as_deref(), whole.stream, whole.include_usage), (Some("m"), true, true));
    let request = request(fields, "{}").unwrap();
    let expected = Sampling {
        temperature: 0.5,
        top_p: 0.9,
        top_k: 40,
        min_p: 0.05,
        seed: u64::MAX,
        presence_penalty: -0.5,
        frequency_penalty: 0.5,
        repetition_penalty: 1.5,
        logit_bias: vec![(12, -100.0)],
    };
    assert_eq!(request.sampling, expected);
    assert_eq!((request.max_tokens, request.stop, request.ignore_eos), (Some(7), vec!["\n".to_owned()], true));
    let Prompt::Chat(dialogue) = request.prompt.clone() else { panic!("not a chat") };
    assert_eq!((dialogue.messages, dialogue.tools), (vec![Message::new("user", "hi")], None));
    assert_eq!(dialogue.variables["enable_thinking"], false);
}

#[test]
fn what_is_left_open_is_as_the_package_says() {
    let open = request(json!({"temperature": null}), r#"{"temperature": 0.6, "top_p": 0.8, "repetition_penalty": 1.1}"#).unwrap();
    assert_eq!((open.sampling.temperature, open.sampling.top_p, open.sampling.repetition_penalty), (0.6, 0.8, 1.1));
    assert_eq!((open.max_tokens, open.stop.len()), (None, 0));
    let limits = |fields| {
        let Sampling { top_k, min_p, .. } = request(fields, r#"{"top_k": 20, "min_p": 0.1}"#).unwrap().sampling;
        (top_k, min_p)
    };
    assert_eq!(limits(json!({})), (20, 0.1));
    assert_eq!(limits(json!({"top_k": 0, "min_p": 0})), (0, 0.0));
    assert_eq!(limits(json!({"top_k": -1})), (0, 0.1));
    assert_eq!(limits(json!({"top_k": 1u64 << 40, "min_p": 1})), (u32::MAX, 1.0));
    assert_eq!(request(json!({}), r#"{"top_k": -1}"#).unwrap().sampling.top_k, 0);
    let newer = request(json!({"max_tokens": 1, "max_completion_tokens": 2}), "{}").unwrap();
    assert_eq!((newer.max_tokens, newer.sampling.temperature), (Some(2), 1.0));
}

#[test]
fn what_means_nothing_here_or_asks_for_nothing_is_accepted() {
    let mut all = json!({
        "user": "u", "store": true, "metadata": {"a": "b"}, "service_tier": "auto", "prompt_cache_key": "k", "safety_identifier": "s",
        "parallel_tool_calls": true, "prompt_cache_retention": "24h", "prompt_cache_options": {}, "prediction": {"type": "content", "content": ""},
        "n": 1, "logprobs": false, "top_logprobs": 0, "modalities": ["text"], "response_format": {"type": "text"}, "tool_choice": "auto",
        "functions": [], "function_call": "none", "reasoning_effort": "medium", "verbosity": "medium",
    });
    chat(all.clone()).unwrap();
    chat(json!({"stream": true, "stream_options": {"include_obfuscation": false}})).unwrap();
    completion(&json!({"user": "u", "n": 1, "best_of": 1, "suffix": "", "logprobs": null, "echo": true})).unwrap();
    // Null is as good as absent for every field that need not be there.
    for field in CHAT.iter().chain(SHARED).filter(|field| !matches!(field.rule, Rule::Needs(_))) {
        all[field.name] = Value::Null;
    }
    chat(all).unwrap();
    let said = json!({"messages": [
        {"role": "user", "content": [{"type": "text", "text": "6 * 7?"}], "name": "Ann"},
        {"role": "assistant", "content": null, "refusal": null, "annotations": [], "audio": null, "function_call": null, "reasoning_content": "hm",
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "content": "42", "tool_call_id": "1"},
    ], "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {}, "strict": false}}]});
    let Prompt::Chat(dialogue) = chat(said.clone()).unwrap().prompts.remove(0) else { panic!("not a chat") };
    assert_eq!(dialogue.messages[1].other["reasoning_content"], "hm");
    assert_eq!(dialogue.tools, Some(said["tools"].clone()));
}

#[test]
fn tools_that_are_not_to_be_called_are_not_shown() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let shown = |choice: Value| match chat(json!({"tools": tools, "tool_choice": choice})).unwrap().prompts.remove(0) {
        Prompt::Chat(dialogue) => dialogue.tools.is_some(),
        _ => panic!("not a chat"),
    };
    assert_eq!([shown("auto".into()), shown(Value::Null), shown("none".into())], [true, true, false]);
}

/// Requests that are refused, with the code of the error, what OpenAI's clients are told, and the start of its message. Pages and servers
/// are tested with them too.
#[test]
fn mistakes_have_their_class_and_say_what_is_allowed() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../../../tests/golden/refusals.json")).unwrap();
    assert!(cases.len() > 60);
    for case in cases {
        let error = chat(case["request"].clone()).expect_err(&case["request"].to_string());
        assert!(error.to_string().starts_with(case["message"].as_str().unwrap()), "{error}");
        assert_eq!(error.code(), case["code"], "{}", case["request"]);
        let told = ErrorResponse::of(&error);
        let (param, code) = (json!(told.error.param), json!(told.error.code));
        assert_eq!((told.status(), told.error.r#type, &param, &code), (400, "invalid_request_error", &case["param"], &case["openai_code"]));
    }
}

#[test]
fn the_form_of_an_answer_is_read_in_all_its_notations() {
    let grammar = |fields: Value| chat(fields).unwrap().grammar.map(|grammar| (grammar.field, grammar.kind, grammar.text.clone()));
    let schema = json!({"type": "integer"});
    let text = |strict: bool| {
        let Some((_, _, text)) =
            grammar(json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": strict}}}))
        else {
            panic!("no grammar")
        };
        serde_json::from_str::<Value>(&text).unwrap()
    };
    assert_eq!((&text(true)["type"], &text(true)["x-guidance"]["lenient"]), (&json!("integer"), &json!(false)));
    assert_eq!(text(false)["x-guidance"]["lenient"], true);
    assert_eq!(grammar(json!({"response_format": {"type": "text"}, "structured_outputs": null})), None);
    for (given, field, kind, start) in [
        (json!({"response_format": {"type": "json_object"}}), "response_format.schema", Kind::Json, "{\"type\":\"object\""),
        (
            json!({"response_format": {"type": "json_object", "schema": "{\"type\":\"null\"}"}}),
            "response_format.schema",
            Kind::Json,
            "{\"type\":\"null\"",
        ),
        (json!({"response_format": {"type": "grammar", "grammar": "start: \"a\""}}), "response_format.grammar", Kind::Lark, "start: \"a\""),
        (json!({"response_format": {"type": "regex", "regex": "a+"}}), "response_format.regex", Kind::Regex, "a+"),
        (
            json!({"response_format": {"type": "choice", "choice": ["a", "b\""]}}),
            "response_format.choice",
            Kind::Lark,
            "start: \"a\" | \"b\\\"\"",
        ),
        (json!({"structured_outputs": {"json": schema}}), "structured_outputs.json", Kind::Json, "{\"type\":\"integer\""),
        (json!({"structured_outputs": {"json_object": true}}), "structured_outputs.json_object", Kind::Json, "{\"type\":\"object\""),
        (json!({"structured_outputs": {"grammar": "root ::= [a]"}}), "structured_outputs.grammar", Kind::Lark, "start: TERMINAL_0"),
        (
            json!({"response_format": {"type": "structural_tag", "structures": [{"begin": "<f>", "schema": schema, "end": "</f>"}], "triggers": ["<f"]}}),
            "response_format.structural_tag",
            Kind::Lark,
            "start: part_",
        ),
    ] {
        let (found, read, text) = grammar(given).expect("a grammar");
        assert_eq!((found, read), (field, kind));
        assert!(text.starts_with(start), "{text}");
    }
}

#[test]
fn calls_are_wanted_as_tool_choice_says() {
    let tool = |name: &str, strict: bool| json!({"type": "function", "function": {"name": name, "strict": strict}});
    let calling = |choice: Value, strict: bool| {
        let request =
            chat(json!({"tools": [tool("f", strict), tool("g", false)], "tool_choice": choice, "parallel_tool_calls": !strict})).unwrap();
        request.calling.map(|calling| (calling.only.clone(), calling.must, calling.parallel))
    };
    let named = |name: &str| json!({"type": "function", "function": {"name": name}});
    // An answer of a form may be a call instead.
    let formed = |tools: Value| chat(json!({"tools": tools, "response_format": {"type": "json_object"}})).unwrap().calling;
    assert_eq!(formed(json!([tool("f", false)])).map(|calling| (calling.only.clone(), calling.must)), Some((None, false)));
    assert_eq!(formed(json!([])), None);
    assert_eq!(calling("auto".into(), false), None);
    assert_eq!(calling("none".into(), true), None);
    assert_eq!(calling("auto".into(), true), Some((None, false, false)));
    assert_eq!(calling("required".into(), false), Some((None, true, true)));
    assert_eq!(calling(named("g"), false), Some((Some(vec!["g".into()]), true, true)));
    let some = |mode: &str| json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [named("f")]}});
    assert_eq!(calling(some("auto"), false), Some((Some(vec!["f".into()]), false, true)));
    assert_eq!(calling(some("required"), false), Some((Some(vec!["f".into()]), true, true)));
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let refusal = |body| ApiRequest::chat(body).unwrap_err().to_string();
    assert!(refusal("{\"messages\": [").starts_with("the request cannot be read: it is no JSON: EOF while parsing"));
    assert_eq!(refusal("[1]"), "`request` is [1], but must be an object");
    let long = format!("{{\"messages\": \"{}\"}}", "é".repeat(500));
    assert_eq!(refusal(&long), format!("`messages` is \"{}…, but must be a list of at least one message", "é".repeat(59)));
}

#[test]
fn without_a_seed_requests_draw_differently() {
    let seeds: Vec<u64> = (0..3).map(|_| request(json!({}), "{}").unwrap().sampling.seed).collect();
    assert!(seeds[0] != seeds[1] || seeds[1] != seeds[2]);
}
