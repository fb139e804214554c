//! Requests as people send them, right and wrong.

use serde_json::json;

use super::*;

fn request(mut fields: Value, config: &str) -> Result<Request> {
    if fields.get("messages").is_none() {
        fields["messages"] = json!([{"role": "user", "content": "hi"}]);
    }
    ChatRequest::parse(&fields.to_string())?.request(&ChatConfig::parse(config).unwrap())
}

#[test]
fn fields_reach_the_engine() {
    let fields = json!({
        "model": "m", "stream": true, "stream_options": {"include_usage": true}, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "min_p": 0.05,
        "max_tokens": 7, "seed": -1,
        "stop": "\n", "frequency_penalty": 0.5, "presence_penalty": -0.5, "repetition_penalty": 1.5, "logit_bias": {"12": -100},
        "ignore_eos": true, "tools": [], "user": "someone", "n": 1, "response_format": {"type": "text"}, "extra_body": {"enable_thinking": false},
    });
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
    let Prompt::Chat(dialogue) = request.prompt else { panic!("not a chat") };
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
fn mistakes_have_their_class_and_say_what_is_allowed() {
    let cases = [
        (json!({"temperature": 2.5}), "RangeError", "`temperature` is 2.5, but must be a number from 0 to 2"),
        (json!({"temperature": -1}), "RangeError", "`temperature` is -1, but must be a number of 0 or more"),
        (json!({"top_p": 1.1}), "RangeError", "`top_p` is 1.1, but must be a number from 0 to 1"),
        (json!({"min_p": -0.1}), "RangeError", "`min_p` is -0.1, but must be a number from 0 to 1"),
        (json!({"min_p": 1.5}), "RangeError", "`min_p` is 1.5, but must be a number from 0 to 1"),
        (json!({"top_k": -2}), "RangeError", "`top_k` is -2, but must be a whole number of 1 or more, or 0 or -1 for no limit"),
        (json!({"top_k": 2.5}), "InvalidRequestError", "the request cannot be read: invalid type: floating point `2.5`, expected i64"),
        (json!({"max_tokens": 0}), "RangeError", "`max_tokens` is 0, but must be a whole number of 1 or more"),
        (json!({"frequency_penalty": 3}), "RangeError", "`frequency_penalty` is 3, but must be a number from -2 to 2"),
        (json!({"stop": ["a", "b", "c", "d", "e"]}), "RangeError", "`stop` is 5 texts, but must be at most 4 texts"),
        (json!({"logit_bias": {"a": 1}}), "RangeError", "`logit_bias` is for `a`, but must be an object whose keys are token ids"),
        (json!({"logit_bias": {"1": 101}}), "RangeError", "`logit_bias` is 101, but must be numbers from -100 to 100"),
        (json!({"messages": []}), "RangeError", "`messages` is empty, but must be at least one message"),
        (json!({"n": 2}), "UnsupportedFieldsError", "`n` is 2, which is not supported: ask once for each answer"),
        (json!({"logprobs": true}), "UnsupportedFieldsError", "`logprobs` is true, which is not supported: leave it out"),
        (
            json!({"response_format": {"type": "json_object"}}),
            "UnsupportedFieldsError",
            "`response_format` is \"json_object\", which is not supported: only {\"type\": \"text\"} is",
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
        (
            json!({"seed": 0.5}),
            "InvalidRequestError",
            "the request cannot be read: invalid type: floating point `0.5`, expected i64 at line 1",
        ),
    ];
    for (fields, code, text) in cases {
        let error = request(fields.clone(), "{}").expect_err(&fields.to_string());
        assert_eq!(error.code(), code, "{fields}");
        assert!(error.to_string().starts_with(text), "{error}");
    }
}

#[test]
fn without_a_seed_requests_draw_differently() {
    let seeds: Vec<u64> = (0..3).map(|_| request(json!({}), "{}").unwrap().sampling.seed).collect();
    assert!(seeds[0] != seeds[1] || seeds[1] != seeds[2]);
}
