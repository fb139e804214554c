//! The runtime as JavaScript sees it: a device, a loader that takes a package shard by shard, and an engine that runs by itself.
//!
//! Fetching and caching are the npm package's (`js/`); its `wasm/seam.ts` has the types that it expects here. JavaScript numbers its
//! requests. Their events go to one function, those of a step together, as OpenAI's JSON (`replies`). Errors are `Error` objects with the
//! `class`, `code` and `fields` of their kind ([`Facts`](crate::Facts)).
//!
//! Models on one device share a host ([`crate::host`]), under names of their own. JavaScript can call in whenever a step is awaited: its
//! calls are messages to the host, which has the engines.

mod answering;
mod bench;
mod device;
mod drive;
pub mod fault;
pub mod inquiry;
pub mod replies;

use std::cell::RefCell;

use serde::{Deserialize, Serialize};
use tegula_plan::Precision;
// The macro looks for it by this name.
use js_sys::futures as wasm_bindgen_futures;
use wasm_bindgen::prelude::*;

use answering::{ModelInfo, WebEngine};
pub use device::{WebDevice, request_device};
use drive::Outbox;

use crate::clock;
use crate::host::{Handle, Package, Place};
use crate::load::Module;
use crate::load::weights::Loader;
use crate::model::budget::Budget;
use crate::model::choose::{Kernels, SECONDS};
use crate::text::chat::tells_roles_apart;
use crate::text::tokenizer::Tokenizer;
use crate::{ErrorKind, HostError};
use tegula_package::mlc::ChatConfig;

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

/// How a model is to be loaded.
#[derive(Deserialize)]
struct LoaderOptions {
    /// What the host and responses call it. One is made up where none is given.
    name: Option<String>,
    #[serde(default)]
    precision: Precision,
    /// What compiles the kernels: the browser and its version.
    #[serde(default)]
    environment: String,
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
    host: Handle,
    place: Place,
    name: String,
    config: ChatConfig,
    tokenizer: Option<Tokenizer>,
    chat_template: Option<String>,
}

#[wasm_bindgen(js_class = Loader)]
impl WebLoader {
    /// Checks that library, package and device fit each other, then reserves memory. Several models can be on one device, each with a
    /// name of its own. `options` are `{name, precision, environment}`, all of which may be absent.
    ///
    /// # Errors
    /// Those of [`Handle::place`], [`Loader::new`], [`ChatConfig::parse`] and [`Tokenizer::new`].
    #[wasm_bindgen(constructor)]
    pub fn new(device: &WebDevice, library: &[u8], files: JsValue, options: JsValue) -> Result<WebLoader, JsValue> {
        let host = device.host.clone();
        let LoaderOptions { name, precision, environment } = serde_wasm_bindgen::from_value(options)?;
        let (name, place) = named(&host, name)?;
        let files: PackageFiles = serde_wasm_bindgen::from_value(files)?;
        let config = files.config.as_deref().map(ChatConfig::parse).transpose().map_err(crate::Error::from)?.unwrap_or_default();
        let tokenizer =
            files.tokenizer.as_deref().map(|json| Tokenizer::new(json.as_bytes(), files.tokenizer_config.as_deref())).transpose()?;
        let (library, config_json) = (Module::from(library).with_precision(precision), files.config.as_deref());
        let mut loader = Loader::new(device.gpu.clone(), library, config_json, &files.manifest, Budget::default())?;
        loader.set_environment(&environment);
        Ok(WebLoader { loader, host, place, name, config, tokenizer, chat_template: files.chat_template })
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

    /// Makes the engine, which gives its messages to `on_events` and has `run_ahead` steps under way at once, if that is said.
    ///
    /// # Errors
    /// Those of [`Loader::finish`].
    pub async fn finish(self, run_ahead: Option<usize>, on_events: js_sys::Function) -> Result<WebEngine, JsValue> {
        let WebLoader { loader, host, place, name, config, tokenizer, chat_template } = self;
        let has_template =
            chat_template.is_some() || tokenizer.as_ref().is_some_and(|tokenizer| tokenizer.config().chat_template.is_some());
        let chat = tokenizer.is_some() && (has_template || config.conv_template.whole().is_some_and(tells_roles_apart));
        let model = loader.finish().await?;
        let (info, kernels) = (ModelInfo::of(&model, chat, tokenizer.is_some()), model.decisions().to_vec());
        let (fingerprint, created) = (model.fingerprint().to_owned(), clock::unix_seconds() as u64);
        place.load(model, Package { tokenizer, config, template: chat_template, run_ahead });
        Ok(WebEngine { model: info, kernels, host, name, created, fingerprint, outbox: Outbox::new(on_events) })
    }
}

/// A place for a model of this name, or of one that no other has.
fn named(host: &Handle, name: Option<String>) -> crate::Result<(String, Place)> {
    if let Some(name) = name {
        let place = host.place(&name)?;
        return Ok((name, place));
    }
    let mut number = 1;
    loop {
        let name = format!("model-{number}");
        match host.place(&name) {
            Ok(place) => return Ok((name, place)),
            Err(error) if matches!(error.kind(), ErrorKind::Host(HostError::ModelExists { .. })) => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// A value for JavaScript: plain objects, `undefined` for what is absent.
fn js<T: Serialize + ?Sized>(value: &T) -> JsValue {
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).expect("texts, numbers and lists of them have a JavaScript form")
}
