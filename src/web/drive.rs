//! The host of a page: its driver, and its events on their way to JavaScript.
//!
//! A device has one host. It runs as a task of the page from the first model on and sleeps while there
//! is nothing to do. Events of a step are handed over together, in a task of their own behind the
//! driver's, so that JavaScript can call in from there.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{fault, js};
use crate::engine::request::{Event, EventKind, RequestId};
use crate::engine::usage::{FinishReason, Usage};
use crate::host::{Handle, Host, Sink};

/// Starts a host, which ends when nobody holds its handle and nothing runs.
pub(super) fn start() -> Handle {
    let (host, handle) = Host::new(None);
    spawn_local(host.run());
    handle
}

/// Events of an engine on their way to JavaScript.
pub(super) struct Outbox {
    events: RefCell<Vec<WebEvent>>,
    /// JavaScript's numbers of requests that run, and the host's.
    numbers: RefCell<HashMap<u32, RequestId>>,
    /// Whether JavaScript has freed the engine. Then it hears no more.
    freed: Cell<bool>,
    on_events: js_sys::Function,
}

/// What happened to a request, for JavaScript.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum WebEvent {
    Accepted { request: u32 },
    Token { request: u32, token: u32, text: String },
    Finished { request: u32, reason: FinishReason, usage: Usage },
    Failed { request: u32, code: &'static str, message: String, fields: serde_json::Value },
}

impl WebEvent {
    fn of(request: u32, kind: EventKind) -> WebEvent {
        match kind {
            EventKind::Token { id, text } => WebEvent::Token { request, token: id, text },
            EventKind::Finished { reason, usage } => WebEvent::Finished { request, reason, usage },
            EventKind::Failed { error } => {
                let (code, message) = (fault::code(&error), error.to_string());
                WebEvent::Failed { request, code, message, fields: fault::fields(error.kind()) }
            }
        }
    }
}

impl Outbox {
    pub(super) fn new(on_events: js_sys::Function) -> Rc<Outbox> {
        Rc::new(Outbox { events: RefCell::default(), numbers: RefCell::default(), freed: Cell::new(false), on_events })
    }

    /// Takes the events of a request.
    pub(super) fn sink(self: &Rc<Self>, request: u32) -> Sink {
        let outbox = Rc::clone(self);
        Box::new(move |event: Event| {
            if !matches!(event.kind, EventKind::Token { .. }) {
                outbox.numbers.borrow_mut().remove(&request);
            }
            outbox.put(WebEvent::of(request, event.kind));
            ControlFlow::Continue(())
        })
    }

    /// Notes that the host runs a request.
    pub(super) fn accepted(self: &Rc<Self>, request: u32, id: RequestId) {
        self.numbers.borrow_mut().insert(request, id);
        self.put(WebEvent::Accepted { request });
    }

    /// The host's number of a request that runs.
    pub(super) fn number(&self, request: u32) -> Option<RequestId> {
        self.numbers.borrow().get(&request).copied()
    }

    /// Tells JavaScript nothing from now on.
    pub(super) fn free(&self) {
        self.freed.set(true);
    }

    fn put(self: &Rc<Self>, event: WebEvent) {
        let mut events = self.events.borrow_mut();
        if events.is_empty() {
            let outbox = Rc::clone(self);
            spawn_local(async move { outbox.hand_over() });
        }
        events.push(event);
    }

    fn hand_over(&self) {
        let events = self.events.take();
        if self.freed.get() {
            return;
        }
        if let Err(error) = self.on_events.call1(&JsValue::NULL, &js(&events)) {
            wasm_bindgen::throw_val(error);
        }
    }
}
