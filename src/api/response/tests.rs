//! The same events for every form of answer, against the JSON in `tests/golden/responses.json`.

use serde_json::{Value, json};

use super::*;
use crate::engine::usage::Speed;
use crate::{Error, ErrorKind};

/// The file that JavaScript's tests read, too.
const GOLDEN: &str = include_str!("../../../tests/golden/responses.json");

fn head() -> Head {
    Head { id: "id-1".into(), created: 1_700_000_000, model: "m".into(), system_fingerprint: "fp_1".into() }
}

fn usage() -> Usage {
    let extra = Speed {
        e2e_latency_s: 1.5,
        time_to_first_token_s: 0.5,
        time_per_output_token_s: 0.0125,
        prefill_tokens_per_s: 6.0,
        decode_tokens_per_s: 1e-9,
    };
    Usage { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5, extra }
}

/// The events of a golden case.
fn events(case: &Value) -> Vec<EventKind> {
    let event = |event: &Value| match event["kind"].as_str().unwrap() {
        "token" => EventKind::Token { id: 7, text: event["text"].as_str().unwrap().into() },
        "failed" => EventKind::Failed { error: failure() },
        reason => {
            let reason = match reason {
                "stop" => FinishReason::Stop,
                "length" => FinishReason::Length,
                _ => FinishReason::Abort,
            };
            EventKind::Finished { reason, usage: usage() }
        }
    };
    case["events"].as_array().unwrap().iter().map(event).collect()
}

fn failure() -> Error {
    ErrorKind::ContextWindowSizeExceeded { prompt: 13, context: 8 }.into()
}

fn responses(case: &Value) -> Vec<String> {
    let api = if case["api"] == "chat" { Api::Chat } else { Api::Completion };
    let request = ApiRequest::parse(api, &case["request"].to_string()).unwrap();
    let mut responder = Responder::new(&request, head());
    let mut responses = responder.accepted();
    responses.extend(events(case).iter().flat_map(|event| responder.event(event)));
    responses.iter().map(Response::json).collect()
}

#[test]
fn events_become_the_golden_json_byte_for_byte() {
    let golden: Vec<Value> = serde_json::from_str(GOLDEN).unwrap();
    assert!(golden.len() >= 8);
    for case in &golden {
        let expected: Vec<&str> = case["responses"].as_array().unwrap().iter().map(|json| json.as_str().unwrap()).collect();
        assert_eq!(responses(case), expected, "{}", case["name"]);
    }
}

#[test]
fn answers_are_told_apart() {
    let ids: std::collections::BTreeSet<String> = (0..1000).map(|_| Head::new(Api::Chat, "m", "f").id).collect();
    assert_eq!(ids.len(), 1000);
    assert!(ids.iter().all(|id| id.len() == "chatcmpl-".len() + 32 && id.starts_with("chatcmpl-")));
    let head = Head::new(Api::Completion, "m", "f");
    assert!(head.id.starts_with("cmpl-") && head.created > 1_600_000_000);
}

#[test]
fn errors_have_openais_form_and_a_status() {
    let refused = |body: Value| ErrorResponse::of(&ApiRequest::chat(&body.to_string()).unwrap_err());
    let of = |kind: ErrorKind| ErrorResponse::of(&kind.into());
    let messages = json!([{"role": "user", "content": "a"}]);
    let cases = [
        (refused(json!({})), 400, "invalid_request_error", Some("messages"), Some("missing_required_parameter")),
        (refused(json!({"messages": 5})), 400, "invalid_request_error", Some("messages"), Some("invalid_type")),
        (refused(json!([])), 400, "invalid_request_error", None, Some("invalid_type")),
        (refused(json!({"messages": messages, "top_p": 2})), 400, "invalid_request_error", Some("top_p"), Some("invalid_value")),
        (refused(json!({"messages": messages, "x": 2})), 400, "invalid_request_error", Some("x"), Some("unknown_parameter")),
        (refused(json!({"messages": messages, "n": 2})), 400, "invalid_request_error", Some("n"), Some("unsupported_value")),
        (ErrorResponse::of(&failure()), 400, "invalid_request_error", None, Some("context_length_exceeded")),
        (of(ErrorKind::Busy { slots: 1 }), 429, "invalid_request_error", None, Some("rate_limit_exceeded")),
        (of(ErrorKind::NotFinite { position: 1 }), 500, "server_error", None, None),
        (of(ErrorKind::Interrupted), 500, "server_error", None, None),
    ];
    for (response, status, r#type, param, code) in cases {
        let error: Value = serde_json::from_str(&response.json()).unwrap();
        let expected = json!({"message": response.error.message, "type": r#type, "param": param, "code": code});
        assert_eq!((&error, response.status()), (&json!({"error": expected}), status));
    }
}

#[test]
fn models_are_listed() {
    let list = ModelList::of([ModelObject::new("m", 5)]).json();
    assert_eq!(list, r#"{"object":"list","data":[{"id":"m","object":"model","created":5,"owned_by":"tegula"}]}"#);
}
