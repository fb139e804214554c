//! The loop that runs an engine while there are requests.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use serde::Serialize;
use wasm_bindgen::JsValue;

use super::{fault, js};
use crate::Error;
use crate::engine::Engine;
use crate::engine::request::{EventKind, Request, RequestId};
use crate::engine::usage::{FinishReason, Usage};

/// What calls and the loop that runs the engine have in common.
pub(super) struct Shared {
    /// Absent while it runs.
    pub(super) engine: Cell<Option<Engine>>,
    pub(super) inbox: RefCell<Vec<(u32, Request)>>,
    /// JavaScript's numbers of requests, and the engine's.
    pub(super) numbers: RefCell<HashMap<u32, RequestId>>,
    /// Whether JavaScript has freed the engine.
    pub(super) freed: Cell<bool>,
    pub(super) on_events: js_sys::Function,
}

/// What happened to a request, for JavaScript.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum News {
    Accepted { request: u32 },
    Token { request: u32, token: u32, text: String },
    Finished { request: u32, reason: FinishReason, usage: Usage },
    Failed { request: u32, code: &'static str, message: String, fields: serde_json::Value },
}

impl News {
    fn failed(request: u32, error: &Error) -> News {
        News::Failed { request, code: fault::code(error), message: error.to_string(), fields: fault::fields(error.kind()) }
    }
}

impl Shared {
    pub(super) fn emit(&self, news: &[News]) {
        if news.is_empty() || self.freed.get() {
            return;
        }
        if let Err(error) = self.on_events.call1(&JsValue::NULL, &js(news)) {
            wasm_bindgen::throw_val(error);
        }
    }
}

/// Runs the engine until there is nothing to do, or JavaScript has freed it.
pub(super) async fn run(mut engine: Engine, shared: Rc<Shared>) {
    let mut requests: HashMap<RequestId, u32> = HashMap::new();
    while !shared.freed.get() {
        let mut news = Vec::new();
        for (request, wanted) in shared.inbox.take() {
            match engine.submit(wanted) {
                Ok(id) => {
                    requests.insert(id, request);
                    shared.numbers.borrow_mut().insert(request, id);
                    news.push(News::Accepted { request });
                }
                Err(error) => news.push(News::failed(request, &error)),
            }
        }
        // Whoever hears of these may ask for more at once, so it comes before the look at what is left.
        shared.emit(&news);
        if engine.idle() && shared.inbox.borrow().is_empty() {
            shared.engine.set(Some(engine));
            return;
        }
        let news: Vec<News> = match engine.step().await {
            Ok(events) => events
                .into_iter()
                .filter_map(|event| {
                    let request = *requests.get(&event.request)?;
                    Some(match event.kind {
                        EventKind::Token { id, text } => News::Token { request, token: id, text },
                        EventKind::Finished { reason, usage } => News::Finished { request, reason, usage },
                        EventKind::Failed { error } => News::failed(request, &error),
                    })
                })
                .collect(),
            Err(error) => requests.values().map(|&request| News::failed(request, &error)).collect(),
        };
        for event in &news {
            if let News::Finished { request, .. } | News::Failed { request, .. } = event {
                let id = shared.numbers.borrow_mut().remove(request);
                id.map(|id| requests.remove(&id));
            }
        }
        shared.emit(&news);
    }
}
