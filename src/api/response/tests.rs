//! Heads, error objects and lists. What events become is in `tests/responses.rs`.

use serde_json::{Value, json};

use super::*;
use crate::{Error, ErrorKind, HostError};

fn failure() -> Error {
    ErrorKind::ContextWindowSizeExceeded { prompt: 13, context: 8 }.into()
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
    let unknown = HostError::UnknownModel { name: "x".into(), models: vec!["m".into()] };
    let messages = json!([{"role": "user", "content": "a"}]);
    let cases = [
        (refused(json!({})), 400, "invalid_request_error", Some("messages"), Some("missing_required_parameter")),
        (refused(json!({"messages": 5})), 400, "invalid_request_error", Some("messages"), Some("invalid_type")),
        (refused(json!([])), 400, "invalid_request_error", None, Some("invalid_type")),
        (refused(json!({"messages": messages, "top_p": 2})), 400, "invalid_request_error", Some("top_p"), Some("invalid_value")),
        (refused(json!({"messages": messages, "x": 2})), 400, "invalid_request_error", Some("x"), Some("unknown_parameter")),
        (
            refused(json!({"messages": messages, "verbosity": "low"})),
            400,
            "invalid_request_error",
            Some("verbosity"),
            Some("unsupported_value"),
        ),
        (ErrorResponse::of(&failure()), 400, "invalid_request_error", None, Some("context_length_exceeded")),
        (of(ErrorKind::Busy { slots: 1 }), 429, "invalid_request_error", None, Some("rate_limit_exceeded")),
        (of(ErrorKind::NotFinite { position: 1 }), 500, "server_error", None, None),
        (of(ErrorKind::Host(unknown)), 404, "invalid_request_error", Some("model"), Some("model_not_found")),
        (of(ErrorKind::Host(HostError::Unloaded { name: "m".into() })), 500, "server_error", None, None),
        (of(ErrorKind::Interrupted), 500, "server_error", None, None),
        (ErrorResponse::unknown_address("POST", "/v1/x"), 404, "invalid_request_error", None, Some("unknown_url")),
        (ErrorResponse::method("GET", "/v1/completions"), 405, "invalid_request_error", None, Some("method_not_supported")),
        (ErrorResponse::media(), 415, "invalid_request_error", None, None),
        (ErrorResponse::encoding(), 400, "invalid_request_error", None, None),
        (ErrorResponse::unable("embeddings"), 501, "server_error", None, Some("unsupported_operation")),
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

#[test]
fn health_is_told_with_and_without_a_limit() {
    assert_eq!(Health::new(vec!["m".into()], 2, Some(8)).json(), r#"{"status":"ok","models":["m"],"running":2,"most":8}"#);
    assert_eq!(Health::new(vec!["m".into()], 0, None).json(), r#"{"status":"ok","models":["m"],"running":0,"most":null}"#);
}
