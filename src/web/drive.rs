//! The loop that runs an engine while there are requests.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use wasm_bindgen::JsValue;

use super::fault::Failure;
use super::js;
use super::replies::{News, Replies};
use crate::engine::Engine;
use crate::engine::request::{EventKind, Request, RequestId};

/// What calls and the loop that runs the engine have in common.
pub(super) struct Shared {
    /// Absent while it runs.
    pub(super) engine: Cell<Option<Engine>>,
    pub(super) inbox: RefCell<Vec<(u32, Request)>>,
    /// JavaScript's numbers of requests, and the engine's.
    pub(super) numbers: RefCell<HashMap<u32, RequestId>>,
    /// What requests are answered with.
    pub(super) replies: RefCell<Replies>,
    /// Whether JavaScript has freed the engine.
    pub(super) freed: Cell<bool>,
    pub(super) on_events: js_sys::Function,
}

impl Shared {
    pub(super) fn emit(&self, news: Vec<News>) {
        let messages = self.replies.borrow_mut().messages(news);
        if messages.is_empty() || self.freed.get() {
            return;
        }
        if let Err(error) = self.on_events.call1(&JsValue::NULL, &js(&messages)) {
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
                Err(error) => news.push(News::Failed { request, failure: Failure::of_request(&error) }),
            }
        }
        // Whoever hears of these may ask for more at once, so it comes before the look at what is left.
        shared.emit(news);
        if engine.idle() && shared.inbox.borrow().is_empty() {
            shared.engine.set(Some(engine));
            return;
        }
        let news: Vec<News> = match engine.step().await {
            Ok(events) => events
                .into_iter()
                .filter_map(|event| Some(News::Event { request: *requests.get(&event.request)?, kind: event.kind }))
                .collect(),
            Err(error) => {
                let failed = |&request| News::Failed { request, failure: Failure::of_request(&error) };
                requests.values().map(failed).collect()
            }
        };
        for event in &news {
            if let News::Event { request, kind: EventKind::Finished { .. } | EventKind::Failed { .. } } | News::Failed { request, .. } =
                event
            {
                let id = shared.numbers.borrow_mut().remove(request);
                id.map(|id| requests.remove(&id));
            }
        }
        shared.emit(news);
    }
}
