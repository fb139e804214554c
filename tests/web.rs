//! Responses in a page, in a worker of a browser.
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, reason = "nothing here is public")]

mod responses;

use js_sys::{Array, JsString, Reflect};
use serde::Serialize;
use serde_json::json;
use tegula::web::inquiry::Inquiry;
use tegula::web::replies::Replies;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// The JSON in a message to the page.
fn texts(message: &JsValue) -> Vec<String> {
    let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).unwrap();
    let text = |value: JsValue| String::from(value.unchecked_into::<JsString>());
    let responses = get(message, "responses").unchecked_into::<Array>();
    let failure = get(message, "failure");
    let mut json: Vec<String> = responses.iter().map(text).collect();
    if !failure.is_undefined() {
        json.push(text(get(&get(&failure, "fields"), "response")));
    }
    json
}

#[wasm_bindgen_test]
fn a_page_gets_the_json_of_a_native_server() {
    for case in responses::cases() {
        let mut replies = Replies::default();
        let mut messages = vec![replies.begin(3, case.responder)];
        messages.extend(case.events.iter().filter_map(|(place, event)| replies.event(3, *place, event)));
        let serializer = serde_wasm_bindgen::Serializer::json_compatible();
        let messages = messages.serialize(&serializer).unwrap().unchecked_into::<Array>();
        let begun = |name: &str| Reflect::get(&messages.get(0), &name.into()).unwrap();
        assert!(begun("id").is_string() && begun("streams").as_bool().is_some(), "{}", case.name);
        let sent: Vec<String> = messages.iter().flat_map(|message| texts(&message)).collect();
        assert_eq!(sent, case.responses, "{}", case.name);
        // Nothing is left of a request that has ended.
        assert!(case.events.iter().all(|(place, event)| replies.event(3, *place, event).is_none()));
    }
}

#[wasm_bindgen_test]
fn a_page_may_ask_what_a_server_would_say() {
    let (method, path) = ("PUT", "/v1/models");
    let inquiries = [
        json!({"kind": "health"}),
        json!({"kind": "models"}),
        json!({"kind": "model", "name": "m"}),
        json!({"kind": "embeddings"}),
        json!({"kind": "address", "method": method, "path": path}),
        json!({"kind": "method", "method": method, "path": path}),
        json!({"kind": "media"}),
        json!({"kind": "encoding"}),
    ];
    for inquiry in inquiries {
        let sent = inquiry.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).unwrap();
        assert!(serde_wasm_bindgen::from_value::<Inquiry>(sent).is_ok(), "{inquiry}");
    }
    assert!(serde_wasm_bindgen::from_value::<Inquiry>(JsValue::UNDEFINED).is_err());
}
