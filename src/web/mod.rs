//! The runtime as JavaScript sees it: a device, a loader that takes a package shard by shard, and an engine that runs by itself.
//!
//! Fetching and caching are the npm package's (`js/`); its `wasm/seam.ts` says what is expected here. Requests are numbered by
//! JavaScript, and what happens to them goes to one function, the events of a step together: `replies` makes OpenAI's JSON of them. Errors
//! are `Error` objects with the `class`, `code` and `fields` of their kind ([`Facts`](crate::Facts)).
//!
//! JavaScript can call in whenever a step is awaited. So nothing is borrowed across an `await`: the engine is taken out of its cell while it
//! runs, and calls leave messages for it.

mod bench;
mod device;
mod drive;
pub mod fault;
pub mod replies;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use tegula_plan::Precision;
use wasm_bindgen::prelude::*;

pub use device::{WebDevice, request_device};
use drive::Shared;
use fault::Failure;
use replies::News;

use crate::api::request::{Api, ApiRequest};
use crate::api::response::{Head, ModelList, ModelObject, Responder};
use crate::clock;
use crate::config::ChatConfig;
use crate::engine::Engine;
use crate::engine::request::{EventKind, Interrupter};
use crate::engine::usage::{FinishReason, Usage};
use crate::load::weights::Loader;
use crate::model::budget::Budget;
use crate::model::choose::{Decision, Kernels, SECONDS};
use crate::model::forward::Forward;
use crate::text::tokenizer::Tokenizer;

/// Calls `listener` with the message of every panic from now on. Nothing here may be used after one.
#[wasm_bindgen(js_name = onPanic)]
pub fn on_panic(listener: js_sys::Function) {
    thread_local! {
        static LISTENERS: RefCell<Vec<js_sys::Function>> = const { RefCell::new(Vec::new()) };
    }
    LISTENERS.with_borrow_mut(|listeners| listeners.push(listener));
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        // A listener that throws changes nothing: there is nobody to tell.
        LISTENERS
            .with_borrow(|listeners| listeners.iter().for_each(|listener| drop(listener.call1(&JsValue::NULL, &info.to_string().into()))));
    }));
}

/// Texts of a package.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PackageFiles {
    config: Option<String>,
    manifest: String,
    tokenizer: Option<String>,
    tokenizer_config: Option<String>,
    chat_template: Option<String>,
}

/// A shard, for JavaScript.
#[derive(Serialize)]
struct ShardInfo<'a> {
    path: &'a str,
    bytes: f64,
}

/// Takes the shards of a package.
#[wasm_bindgen(js_name = Loader)]
pub struct WebLoader {
    loader: Loader,
    config: ChatConfig,
    tokenizer: Option<Tokenizer>,
    chat_template: Option<String>,
}

#[wasm_bindgen(js_class = Loader)]
impl WebLoader {
    /// Checks that library, package and device fit each other, then reserves memory.
    ///
    /// # Errors
    /// Those of [`Loader::new`], [`ChatConfig::parse`] and [`Tokenizer::new`].
    #[wasm_bindgen(constructor)]
    pub fn new(device: &WebDevice, library: &[u8], files: JsValue, precision: JsValue) -> Result<WebLoader, JsValue> {
        let files: PackageFiles = serde_wasm_bindgen::from_value(files)?;
        let config = files.config.as_deref().map(ChatConfig::parse).transpose()?.unwrap_or_default();
        let tokenizer =
            files.tokenizer.as_deref().map(|json| Tokenizer::new(json.as_bytes(), files.tokenizer_config.as_deref())).transpose()?;
        let precision: Precision = serde_wasm_bindgen::from_value(precision)?;
        let (config_json, budget) = (files.config.as_deref(), Budget::default());
        let loader = Loader::with_precision(device.gpu.clone(), library, config_json, &files.manifest, budget, precision)?;
        Ok(WebLoader { loader, config, tokenizer, chat_template: files.chat_template })
    }

    /// Waits until the device has said whether there is memory.
    ///
    /// # Errors
    /// Those of [`Loader::allocated`].
    pub async fn allocated(&self) -> Result<(), JsValue> {
        Ok(self.loader.allocated().await?)
    }

    /// The files to load: `{path, bytes}` each.
    #[must_use]
    pub fn shards(&self) -> JsValue {
        js(&self.loader.shards().iter().map(|shard| ShardInfo { path: &shard.path, bytes: shard.bytes as f64 }).collect::<Vec<_>>())
    }

    /// Begins a shard, or begins it again.
    ///
    /// # Errors
    /// Those of [`Loader::begin`].
    pub fn begin(&mut self, index: usize) -> Result<(), JsValue> {
        Ok(self.loader.begin(index)?)
    }

    /// Takes the next bytes of the shard.
    ///
    /// # Errors
    /// Those of [`Loader::push`].
    pub fn push(&mut self, slice: &[u8]) -> Result<(), JsValue> {
        Ok(self.loader.push(slice)?)
    }

    /// Ends the shard and verifies it.
    ///
    /// # Errors
    /// Those of [`Loader::end`].
    pub fn end(&mut self) -> Result<(), JsValue> {
        Ok(self.loader.end()?)
    }

    /// Names what a choice among kernels holds for: [`Loader::choice_key`].
    #[must_use]
    #[wasm_bindgen(js_name = choiceKey)]
    pub fn choice_key(&self) -> Option<String> {
        self.loader.choice_key()
    }

    /// Begins to compile the kernels. They are chosen as before where `remembered` says how, else by measuring, if that is asked for.
    /// Calls `on_kernels` with the number of kernels that are compiled, and of all.
    pub fn compile(&mut self, measure: bool, remembered: Option<Vec<u32>>, on_kernels: js_sys::Function) {
        let kernels = match (measure, remembered) {
            (false, _) => Kernels::Default,
            (true, Some(chosen)) => Kernels::Remembered(chosen),
            (true, None) => Kernels::Measure { seconds: SECONDS },
        };
        let tell = move |compiled: usize, total: usize| {
            // A listener that throws changes nothing: kernels compile all the same.
            drop(on_kernels.call2(&JsValue::NULL, &(compiled as u32).into(), &(total as u32).into()));
        };
        self.loader.compile_telling(kernels, Box::new(tell));
    }

    /// Makes the engine, which responses call `name`. It gives its events to `on_events`, and has `run_ahead` steps under way at once, if
    /// that is said. `environment` names what compiles the kernels.
    ///
    /// # Errors
    /// Those of [`Loader::finish`].
    pub async fn finish(
        self,
        name: String,
        environment: &str,
        run_ahead: Option<usize>,
        on_events: js_sys::Function,
    ) -> Result<WebEngine, JsValue> {
        let WebLoader { mut loader, config, tokenizer, chat_template } = self;
        loader.set_environment(environment);
        let has_template =
            chat_template.is_some() || tokenizer.as_ref().is_some_and(|tokenizer| tokenizer.config().chat_template.is_some());
        let chat = tokenizer.is_some() && (has_template || tells_roles_apart(&config));
        let mut engine = Engine::new(loader.finish().await?, tokenizer, config.clone());
        if let Some(steps) = run_ahead {
            engine.set_run_ahead(steps);
        }
        if let Some(template) = &chat_template {
            engine.set_chat_template(template);
        }
        Ok(WebEngine::new(engine, name, config, chat, on_events))
    }
}

/// Whether the package's conversation template is one. MLC packages of models that cannot chat have one that only joins texts.
fn tells_roles_apart(config: &ChatConfig) -> bool {
    config.conv_template.whole().is_some_and(|template| !(template.roles.user.is_empty() && template.roles.assistant.is_empty()))
}

/// Facts about the model, for JavaScript.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelInfo {
    architecture: String,
    quantization: String,
    activations: &'static str,
    context_window_size: u32,
    max_batch_size: u32,
    vocab_size: u32,
    chat: bool,
    tokenizer: bool,
}

/// A model that answers requests.
#[wasm_bindgen(js_name = Engine)]
pub struct WebEngine {
    name: String,
    /// Seconds since 1970, when the model was loaded.
    created: u64,
    fingerprint: String,
    model: ModelInfo,
    kernels: Vec<Decision>,
    config: ChatConfig,
    interrupter: Interrupter,
    shared: Rc<Shared>,
}

#[wasm_bindgen(js_class = Engine)]
impl WebEngine {
    fn new(engine: Engine, name: String, config: ChatConfig, chat: bool, on_events: js_sys::Function) -> WebEngine {
        let facts = engine.model().facts();
        let model = ModelInfo {
            architecture: facts.architecture.clone(),
            quantization: facts.quantization.clone(),
            activations: engine.model().variant().activations.name(),
            context_window_size: engine.model().capacity(),
            max_batch_size: facts.max_batch_size,
            vocab_size: facts.vocab_size,
            chat,
            tokenizer: engine.tokenizer().is_some(),
        };
        let kernels = engine.model().decisions().to_vec();
        let fingerprint = engine.model().fingerprint().to_owned();
        let interrupter = engine.interrupter();
        let shared = Shared {
            engine: Cell::new(Some(engine)),
            inbox: RefCell::default(),
            numbers: RefCell::default(),
            replies: RefCell::default(),
            freed: Cell::new(false),
            on_events,
        };
        let (created, fingerprint) = (clock::unix_seconds() as u64, fingerprint);
        WebEngine { name, created, fingerprint, model, kernels, config, interrupter, shared: Rc::new(shared) }
    }

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

    /// The list of models in OpenAI's form, as JSON.
    #[must_use]
    pub fn models(&self) -> String {
        ModelList::of([ModelObject::new(&self.name, self.created)]).json()
    }

    /// Takes the body of a request: of a chat completion, or of a completion. Whether the engine accepts it is an event.
    ///
    /// # Errors
    /// Those of [`ApiRequest::parse`].
    pub fn submit(&self, request: u32, chat: bool, body: &str) -> Result<(), JsValue> {
        let api = if chat { Api::Chat } else { Api::Completion };
        let wanted = ApiRequest::parse(api, body).map_err(|error| Failure::of_request(&error))?;
        let responder = Responder::new(&wanted, Head::new(api, &self.name, &self.fingerprint));
        self.shared.replies.borrow_mut().begin(request, responder);
        let wanted = wanted.request(&self.config);
        self.shared.inbox.borrow_mut().push((request, wanted));
        if let Some(engine) = self.shared.engine.take() {
            wasm_bindgen_futures::spawn_local(drive::run(engine, self.shared.clone()));
        }
        Ok(())
    }

    /// Ends a request with reason `abort`.
    pub fn interrupt(&self, request: u32) {
        if let Some(id) = self.shared.numbers.borrow().get(&request) {
            self.interrupter.interrupt(*id);
            return;
        }
        // Not seen by the engine yet, or over.
        let waiting = self.shared.inbox.borrow().iter().position(|(number, _)| *number == request);
        if let Some(index) = waiting {
            self.shared.inbox.borrow_mut().remove(index);
            let kind = EventKind::Finished { reason: FinishReason::Abort, usage: Usage::default() };
            self.shared.emit(vec![News::Event { request, kind }]);
        }
    }
}

impl Drop for WebEngine {
    fn drop(&mut self) {
        self.shared.freed.set(true);
    }
}

/// A value for JavaScript: plain objects, `undefined` for what is absent.
fn js<T: Serialize + ?Sized>(value: &T) -> JsValue {
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).expect("texts, numbers and lists of them have a JavaScript form")
}
