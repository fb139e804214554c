//! Errors for JavaScript: what a program can use of them, as plain objects.

use serde::Serialize;
use serde_json::{Map, Value};
use wasm_bindgen::JsValue;

use crate::Error;
use crate::api::response::ErrorResponse;

/// An error as it goes to JavaScript.
#[derive(Serialize)]
pub struct Failure {
    class: &'static str,
    code: &'static str,
    message: String,
    fields: Map<String, Value>,
}

impl Failure {
    /// An error of the runtime.
    #[must_use]
    pub fn of(error: &Error) -> Failure {
        let facts = error.facts();
        let (class, code, fields) = (facts.class.name(), facts.code, facts.fields);
        Failure { class, code, message: error.to_string(), fields }
    }

    /// An error of a request. It has the error object that a server would send.
    #[must_use]
    pub fn of_request(error: &Error) -> Failure {
        let (mut failure, response) = (Failure::of(error), ErrorResponse::of(error));
        failure.fields.insert("status".into(), response.status().into());
        failure.fields.insert("response".into(), response.json().into());
        failure
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> JsValue {
        let object = js_sys::Error::new(&failure.message);
        let set = |key: &str, value: &JsValue| {
            js_sys::Reflect::set(&object, &key.into(), value).expect("a new object takes properties");
        };
        set("class", &failure.class.into());
        set("code", &failure.code.into());
        set("fields", &super::js(&failure.fields));
        object.into()
    }
}

impl From<Error> for JsValue {
    fn from(error: Error) -> JsValue {
        Failure::of(&error).into()
    }
}
