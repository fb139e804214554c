//! Requests as people send them, right and wrong.

use serde_json::json;

use super::fields::{CHAT, Rule, SHARED};
use super::*;
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

#[test]
fn mistakes_have_their_class_and_say_what_is_allowed() {
    let (range, wrong, refused) = ("RangeError", "InvalidRequestError", "UnsupportedFieldsError");
    let cases = [
        (json!({"temperature": 2.5}), range, "`temperature` is 2.5, but must be a number from 0 to 2"),
        (json!({"temperature": -1}), range, "`temperature` is -1, but must be a number from 0 to 2"),
        (json!({"temperature": "hot"}), wrong, "`temperature` is \"hot\", but must be a number from 0 to 2"),
        (json!({"top_p": 1.1}), range, "`top_p` is 1.1, but must be a number from 0 to 1"),
        (json!({"min_p": -0.1}), range, "`min_p` is -0.1, but must be a number from 0 to 1"),
        (json!({"top_k": -2}), range, "`top_k` is -2, but must be a whole number of 1 or more, or 0 or -1 for no limit"),
        (json!({"top_k": 2.5}), range, "`top_k` is 2.5, but must be a whole number of 1 or more, or 0 or -1 for no limit"),
        (json!({"max_tokens": 0}), range, "`max_tokens` is 0, but must be a whole number of 1 or more"),
        (json!({"max_completion_tokens": "7"}), wrong, "`max_completion_tokens` is \"7\", but must be a whole number of 1 or more"),
        (json!({"frequency_penalty": 3}), range, "`frequency_penalty` is 3, but must be a number from -2 to 2"),
        (json!({"repetition_penalty": 0}), range, "`repetition_penalty` is 0, but must be a number greater than 0"),
        (json!({"seed": 0.5}), range, "`seed` is 0.5, but must be a whole number from -2^63 to 2^63 - 1"),
        (json!({"seed": u64::MAX}), range, "`seed` is 18446744073709551615, but must be a whole number from"),
        (json!({"stream": "yes"}), wrong, "`stream` is \"yes\", but must be true or false"),
        (
            json!({"stop": ["a", "b", "c", "d", "e"]}),
            range,
            "`stop` is [\"a\",\"b\",\"c\",\"d\",\"e\"], but must be a list of at most 4 texts",
        ),
        (json!({"stop": 5}), wrong, "`stop` is 5, but must be a text or a list of at most 4 texts"),
        (json!({"stop": ["a", "b", 3]}), wrong, "`stop[2]` is 3, but must be a text"),
        (json!({"logit_bias": {"1": 101}}), range, "`logit_bias.1` is 101, but must be a number from -100 to 100"),
        (json!({"logit_bias": {"1": "a"}}), wrong, "`logit_bias.1` is \"a\", but must be a number from -100 to 100"),
        (
            json!({"logit_bias": {"a": 1}}),
            wrong,
            "`logit_bias` is an object with the key \"a\", but must be an object from token ids to numbers from -100 to 100",
        ),
        (json!({"logit_bias": [1]}), wrong, "`logit_bias` is [1], but must be an object from token ids to numbers from -100 to 100"),
        (json!({"messages": []}), range, "`messages` is [], but must be a list of at least one message"),
        (json!({"messages": null}), wrong, "`messages` is null, but must be a list of at least one message"),
        (json!({"messages": ["hi"]}), wrong, "`messages[0]` is \"hi\", but must be an object"),
        (json!({"messages": [{"content": "hi"}]}), wrong, "`messages[0].role` is missing, but must be a text"),
        (json!({"messages": [{"role": "user"}]}), wrong, "`messages[0].content` is missing, but must be a text or a list of parts"),
        (
            json!({"messages": [{"role": "system", "content": "a"}, {"role": "user", "content": 5}]}),
            wrong,
            "`messages[1].content` is 5, but must be a text or a list of parts",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "text"}]}]}),
            wrong,
            "`messages[0].content[0].text` is missing, but must be a text",
        ),
        (json!({"tools": [{"type": "function", "function": {"name": 1}}]}), wrong, "`tools[0].function.name` is 1, but must be a text"),
        (json!({"n": 17}), range, "`n` is 17, but must be a whole number from 1 to 16"),
        (json!({"n": "2"}), wrong, "`n` is \"2\", but must be a whole number from 1 to 16"),
        (json!({"logprobs": 1}), wrong, "`logprobs` is 1, but must be true or false"),
        (json!({"logprobs": true, "top_logprobs": 21}), range, "`top_logprobs` is 21, but must be a whole number from 0 to 20"),
        (json!({"top_logprobs": 3}), range, "`top_logprobs` is 3, but must be 0 where `logprobs` is not true"),
        (json!({"parallel_tool_calls": 1}), wrong, "`parallel_tool_calls` is 1, but must be true or false"),
        (
            json!({"response_format": {"type": "json_object"}}),
            refused,
            "`response_format` is {\"type\":\"json_object\"}, which is not supported: only {\"type\": \"text\"} is",
        ),
        (
            json!({"tool_choice": "required"}),
            refused,
            "`tool_choice` is \"required\", which is not supported: only \"auto\" and \"none\" are",
        ),
        (
            json!({"functions": [{"name": "f"}]}),
            refused,
            "`functions` is [{\"name\":\"f\"}], which is not supported: describe them in `tools`",
        ),
        (json!({"modalities": ["text", "audio"]}), refused, "`modalities` is [\"text\",\"audio\"], which is not supported"),
        (json!({"web_search_options": {}}), refused, "`web_search_options` is {}, which is not supported"),
        (json!({"tools": [{"type": "custom", "custom": {}}]}), refused, "`tools[0].type` is \"custom\", which is not supported"),
        (json!({"temprature": 1}), refused, "`temprature` is not a known field; did you mean `temperature`?"),
        (json!({"maxTokens": 1}), refused, "`maxTokens` is not a known field; did you mean `max_tokens`?"),
        (json!({"color": "red"}), refused, "`color` is not a known field; leave it out"),
        (json!({"prompt": "a"}), refused, "`prompt` is not a known field; completions have it, chat completions do not"),
        (json!({"enable_thinking": true}), refused, "`enable_thinking` is not a known field; did you mean `extra_body.enable_thinking`?"),
        (
            json!({"extra_body": {"top_k": 1}}),
            refused,
            "`extra_body.top_k` is not a known field; did you mean `top_k`, beside `extra_body`?",
        ),
        (
            json!({"stream": true, "stream_options": {"include_useage": true}}),
            refused,
            "`stream_options.include_useage` is not a known field; did you mean `stream_options.include_usage`?",
        ),
        (
            json!({"messages": [{"role": "user", "contnet": "hi"}]}),
            refused,
            "`messages[0].contnet` is not a known field; did you mean `messages[0].content`?",
        ),
        (json!({"stream_options": {}}), "InvalidStreamOptionsError", "`stream_options` needs `stream: true`"),
        (
            json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}),
            "MessageOrderError",
            "messages[1] has role `assistant`, but the last message must be from user or tool",
        ),
        (
            json!({"messages": [{"role": "poet", "content": "a"}]}),
            "UnsupportedRoleError",
            "messages[0] has role `poet`; known are system, developer, user, assistant and tool",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]}),
            "UnsupportedContentPartError",
            "messages[0] has a content part of type `image_url`; this model takes `text` only",
        ),
    ];
    for (fields, code, text) in cases {
        let error = chat(fields.clone()).expect_err(&fields.to_string());
        assert!(error.to_string().starts_with(text), "{error}");
        assert_eq!(error.code(), code, "{fields}");
    }
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
