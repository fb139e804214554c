//! Responses in a page, in a worker of a browser.
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, reason = "nothing here is public")]

mod responses;

use js_sys::{Array, JsString, Reflect};
use serde::Serialize;
use tegula::web::replies::Replies;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// The JSON in a message to the page.
fn json(message: &JsValue) -> Vec<String> {
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
        messages.extend(case.events.iter().filter_map(|event| replies.event(3, event)));
        let serializer = serde_wasm_bindgen::Serializer::json_compatible();
        let messages = messages.serialize(&serializer).unwrap().unchecked_into::<Array>();
        let sent: Vec<String> = messages.iter().flat_map(|message| json(&message)).collect();
        assert_eq!(sent, case.responses, "{}", case.name);
        // Nothing is left of a request that has ended.
        assert!(case.events.iter().all(|event| replies.event(3, event).is_none()));
    }
}
