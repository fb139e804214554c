//! The events of a request, and the JSON that becomes of them: natively, and in a page.
//!
//! `golden/responses.json` holds both. `web.rs` runs the same events through the runtime of a page,
//! and `js/tests/engine.test.ts` takes the same JSON through the npm package.

use serde_json::Value;
use tegula::api::request::{Api, ApiRequest};
use tegula::api::response::{Head, Responder};
use tegula::engine::logprobs::{Logprobs, TokenLogprob};
use tegula::engine::usage::{FinishReason, Speed, Usage};
use tegula::text::answer::Format;
use tegula::{ErrorKind, EventKind};

/// A request with its events, and the responses to them.
pub struct Case {
    pub name: String,
    pub responder: Responder,
    pub events: Vec<(usize, EventKind)>,
    pub responses: Vec<String>,
}

pub fn cases() -> Vec<Case> {
    let golden: Vec<Value> = serde_json::from_str(include_str!("golden/responses.json")).unwrap();
    assert!(golden.len() >= 8);
    golden.iter().map(case).collect()
}

fn case(golden: &Value) -> Case {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let api = if golden["api"] == "chat" { Api::Chat } else { Api::Completion };
    let request = ApiRequest::parse(api, &golden["request"].to_string()).unwrap();
    let tails = vec![String::new(); request.prompts.len() * request.best_of as usize];
    let head = Head { id: "id-1".into(), created: 1_700_000_000, model: "m".into(), system_fingerprint: "fp_1".into() };
    Case {
        name: text(&golden["name"]),
        responder: Responder::new(&request, head, &Format::of(golden["template"].as_str().unwrap_or_default()), &tails),
        events: golden["events"].as_array().unwrap().iter().map(|golden| (place(golden), event(golden))).collect(),
        responses: golden["responses"].as_array().unwrap().iter().map(text).collect(),
    }
}

/// Which answer an event is of.
fn place(golden: &Value) -> usize {
    golden["answer"].as_u64().unwrap_or_default() as usize
}

fn event(golden: &Value) -> EventKind {
    let reason = match golden["kind"].as_str().unwrap() {
        "token" => {
            let text = golden["text"].as_str().unwrap().to_owned();
            let token = |text: &str, logprob: f64| TokenLogprob { id: 7, bytes: text.into(), logprob: logprob as f32 };
            let logprobs = golden["logprob"].as_f64().map(|logprob| {
                let top = vec![token(&text, logprob), token("\n", -2.5)];
                Box::new(Logprobs { chosen: token(&text, logprob), top })
            });
            return EventKind::Token { id: 7, text, logprobs };
        }
        "failed" => {
            let error = ErrorKind::ContextWindowSizeExceeded { prompt: 13, context: 8 }.into();
            return EventKind::Failed { error };
        }
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        _ => FinishReason::Abort,
    };
    let extra = Speed {
        e2e_latency_s: 1.5,
        time_to_first_token_s: 0.5,
        time_per_output_token_s: 0.0125,
        prefill_tokens_per_s: 6.0,
        decode_tokens_per_s: 1e-9,
    };
    let usage = Usage { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5, extra, ..Usage::default() };
    EventKind::Finished { reason, usage }
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn events_become_the_golden_json_byte_for_byte() {
    for Case { name, mut responder, events, responses } in cases() {
        let mut sent = responder.accepted();
        sent.extend(events.iter().flat_map(|(place, event)| responder.event(*place, event)));
        let sent: Vec<String> = sent.iter().map(tegula::api::response::Response::json).collect();
        assert_eq!(sent, responses, "{name}");
    }
}
