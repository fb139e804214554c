//! A model that answers the requests of a page.

use std::rc::Rc;

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::drive::Outbox;
use super::fault::Failure;
use super::inquiry::{Inquiry, Reply};
use super::js;
use crate::HostError;
use crate::api::request::{Api, ApiRequest};
use crate::api::response::{ErrorResponse, Head, Health, ModelList, ModelObject, Responder};
use crate::grammar::module::GrammarModule;
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

    /// Takes the body of a request: of a chat completion, or of a completion. With `named`, a model that it names must be this one. A
    /// message says that it is accepted.
    ///
    /// # Errors
    /// Those of [`ApiRequest::parse`] and [`Handle::submit`], [`HostError::UnknownModel`].
    pub fn submit(&self, request: u32, chat: bool, body: &str, named: bool) -> Result<(), JsValue> {
        let api = if chat { Api::Chat } else { Api::Completion };
        self.start(request, api, body, named).map_err(|error| Failure::of_request(&error).into())
    }

    /// Whether a request needs the grammar module, which was not given yet. One that cannot be read needs none: `submit` says why.
    #[must_use]
    #[wasm_bindgen(js_name = needsGrammar)]
    pub fn needs_grammar(&self, chat: bool, body: &str) -> bool {
        let api = if chat { Api::Chat } else { Api::Completion };
        let intake = self.host.intake(&self.name);
        intake.is_ok_and(|intake| !intake.has_grammars()) && ApiRequest::parse(api, body).is_ok_and(|request| request.needs_grammar())
    }

    /// Takes the grammar module.
    ///
    /// # Errors
    /// [`HostError::UnknownModel`], and where the module fails.
    #[wasm_bindgen(js_name = setGrammar)]
    pub fn set_grammar(&self, module: &GrammarModule) -> Result<(), JsValue> {
        Ok(self.host.intake(&self.name)?.set_grammar(module)?)
    }

    /// What a server answers where it generates nothing: `{status, body}`.
    ///
    /// # Errors
    /// It is no [`Inquiry`].
    pub fn inquire(&self, inquiry: JsValue) -> Result<JsValue, JsValue> {
        Ok(js(&self.reply(serde_wasm_bindgen::from_value(inquiry)?)))
    }

    /// Ends a request with reason `abort`. Nothing happens if it has ended.
    pub fn interrupt(&self, request: u32) {
        for id in self.outbox.numbers(request) {
            self.host.interrupt(id);
        }
    }
}

impl WebEngine {
    fn start(&self, request: u32, api: Api, body: &str, named: bool) -> crate::Result<()> {
        let wanted = ApiRequest::parse(api, body)?;
        if named && let Some(name) = &wanted.model {
            self.called(name)?;
        }
        let intake = self.host.intake(&self.name)?;
        let requests = wanted.requests(intake.config());
        let submitted = self.host.submit_all(&self.name, requests, |place| self.outbox.sink(request, place))?;
        let (ids, tails): (Vec<_>, Vec<_>) = submitted.into_iter().map(|one| (one.id, one.tail)).unzip();
        let format = intake.format(wanted.tools().is_some());
        let responder = Responder::new(&wanted, Head::new(api, &self.name, &self.fingerprint), format, &tails);
        self.outbox.accepted(request, ids, responder);
        Ok(())
    }

    fn reply(&self, inquiry: Inquiry) -> Reply {
        let object = ModelObject::new(&self.name, self.created);
        match inquiry {
            Inquiry::Health => Reply::ok(Health::new(vec![self.name.clone()], self.outbox.running(), None).json()),
            Inquiry::Models => Reply::ok(ModelList::of([object]).json()),
            Inquiry::Model { name } => {
                self.called(&name).map_or_else(|error| ErrorResponse::of(&error).into(), |()| Reply::ok(object.json()))
            }
            Inquiry::Embeddings => ErrorResponse::unable("embeddings").into(),
            Inquiry::Address { method, path } => ErrorResponse::unknown_address(&method, &path).into(),
            Inquiry::Method { method, path } => ErrorResponse::method(&method, &path).into(),
            Inquiry::Media => ErrorResponse::media().into(),
            Inquiry::Encoding => ErrorResponse::encoding().into(),
        }
    }

    /// Checks that this model is called so.
    fn called(&self, name: &str) -> crate::Result<()> {
        if name == self.name {
            return Ok(());
        }
        Err(HostError::UnknownModel { name: name.into(), models: vec![self.name.clone()] }.into())
    }
}

impl Drop for WebEngine {
    fn drop(&mut self) {
        self.outbox.free();
        // A model that is gone already has nothing to give up.
        drop(self.host.unload(&self.name));
    }
}
