//! A model that answers the requests of a page.

use std::rc::Rc;

use serde::Serialize;
use tegula_package::mlc::ChatConfig;
use wasm_bindgen::prelude::*;

use super::drive::Outbox;
use super::fault::Failure;
use super::js;
use crate::api::request::{Api, ApiRequest};
use crate::api::response::{Head, ModelList, ModelObject, Responder};
use crate::host::Handle;
use crate::model::choose::Decision;
use crate::model::forward::Forward;
use crate::model::step::Model;

/// Facts about the model, for JavaScript.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ModelInfo {
    architecture: String,
    quantization: String,
    activations: &'static str,
    context_window_size: u32,
    max_batch_size: u32,
    vocab_size: u32,
    chat: bool,
    tokenizer: bool,
}

impl ModelInfo {
    pub(super) fn of(model: &Model, chat: bool, tokenizer: bool) -> ModelInfo {
        let facts = model.facts();
        ModelInfo {
            architecture: facts.architecture.clone(),
            quantization: facts.quantization.clone(),
            activations: model.variant().activations.name(),
            context_window_size: model.capacity(),
            max_batch_size: facts.max_batch_size,
            vocab_size: facts.vocab_size,
            chat,
            tokenizer,
        }
    }
}

/// A model that answers requests.
#[wasm_bindgen(js_name = Engine)]
pub struct WebEngine {
    pub(super) model: ModelInfo,
    pub(super) kernels: Vec<Decision>,
    pub(super) config: ChatConfig,
    pub(super) host: Handle,
    /// Its name in the host, and in responses.
    pub(super) name: String,
    /// Seconds since 1970, when the model was loaded.
    pub(super) created: u64,
    pub(super) fingerprint: String,
    pub(super) outbox: Rc<Outbox>,
}

#[wasm_bindgen(js_class = Engine)]
impl WebEngine {
    /// Facts about the model.
    #[must_use]
    pub fn model(&self) -> JsValue {
        js(&self.model)
    }

    /// What was chosen among kernels, and why: `{name, chosen, schedule, why}` each.
    #[must_use]
    pub fn kernels(&self) -> JsValue {
        js(&self.kernels)
    }

    /// The list of models in OpenAI's form, as JSON: this one.
    #[must_use]
    pub fn models(&self) -> String {
        ModelList::of([ModelObject::new(&self.name, self.created)]).json()
    }

    /// Takes the body of a request: of a chat completion, or of a completion. A message says that it is accepted.
    ///
    /// # Errors
    /// Those of [`ApiRequest::parse`] and [`Handle::submit`].
    pub fn submit(&self, request: u32, chat: bool, body: &str) -> Result<(), JsValue> {
        let api = if chat { Api::Chat } else { Api::Completion };
        self.start(request, api, body).map_err(|error| Failure::of_request(&error).into())
    }

    /// Ends a request with reason `abort`. Nothing happens if it has ended.
    pub fn interrupt(&self, request: u32) {
        if let Some(id) = self.outbox.number(request) {
            self.host.interrupt(id);
        }
    }
}

impl WebEngine {
    fn start(&self, request: u32, api: Api, body: &str) -> crate::Result<()> {
        let wanted = ApiRequest::parse(api, body)?;
        let responder = Responder::new(&wanted, Head::new(api, &self.name, &self.fingerprint));
        let id = self.host.submit(&self.name, wanted.request(&self.config), self.outbox.sink(request))?;
        self.outbox.accepted(request, id, responder);
        Ok(())
    }
}

impl Drop for WebEngine {
    fn drop(&mut self) {
        self.outbox.free();
        // A model that is gone already has nothing to give up.
        drop(self.host.unload(&self.name));
    }
}
