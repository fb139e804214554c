//! The host of a page: its driver, and its events on their way to JavaScript.
//!
//! A device has one host. It starts with the device, runs as a task of the page, and sleeps while there is nothing to do. The messages
//! of a step are handed over together, in a task behind the driver's, so that JavaScript can call in from there.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use js_sys::futures::spawn_local;
use wasm_bindgen::JsValue;

use super::js;
use super::replies::{Message, Replies};
use crate::api::response::Responder;
use crate::engine::request::{Event, RequestId};
use crate::host::{Handle, Host, Sink};

/// Starts a host, which ends when nobody holds its handle and nothing runs.
pub(super) fn start() -> Handle {
    let (host, handle) = Host::new(None);
    spawn_local(host.run());
    handle
}

/// Messages about the requests of an engine, on their way to JavaScript.
pub(super) struct Outbox {
    messages: RefCell<Vec<Message>>,
    /// What requests are answered with.
    replies: RefCell<Replies>,
    /// JavaScript's numbers of requests that run, and the host's of their answers.
    numbers: RefCell<HashMap<u32, Vec<RequestId>>>,
    /// Whether JavaScript has freed the engine. Then it hears no more.
    freed: Cell<bool>,
    on_events: js_sys::Function,
}

impl Outbox {
    pub(super) fn new(on_events: js_sys::Function) -> Rc<Outbox> {
        let (messages, replies, numbers) = (RefCell::default(), RefCell::default(), RefCell::default());
        Rc::new(Outbox { messages, replies, numbers, freed: Cell::new(false), on_events })
    }

    /// Takes the events of an answer to a request.
    pub(super) fn sink(self: &Rc<Self>, request: u32, place: usize) -> Sink {
        let outbox = Rc::clone(self);
        Box::new(move |event: Event| {
            if let Some(message) = outbox.replies.borrow_mut().event(request, place, &event.kind) {
                outbox.put(message);
            }
            if outbox.replies.borrow().answers(request) {
                return ControlFlow::Continue(());
            }
            // All answers have ended, or one has failed: then the others end too.
            outbox.numbers.borrow_mut().remove(&request);
            ControlFlow::Break(())
        })
    }

    /// Notes that the host makes these answers to a request, of which `responder` makes responses.
    pub(super) fn accepted(self: &Rc<Self>, request: u32, ids: Vec<RequestId>, responder: Responder) {
        self.numbers.borrow_mut().insert(request, ids);
        let message = self.replies.borrow_mut().begin(request, responder);
        self.put(message);
    }

    /// The host's numbers of the answers to a request that runs.
    pub(super) fn numbers(&self, request: u32) -> Vec<RequestId> {
        self.numbers.borrow().get(&request).cloned().unwrap_or_default()
    }

    /// Requests that run or wait.
    pub(super) fn running(&self) -> usize {
        self.numbers.borrow().len()
    }

    /// Tells JavaScript nothing from now on.
    pub(super) fn free(&self) {
        self.freed.set(true);
    }

    fn put(self: &Rc<Self>, message: Message) {
        let mut messages = self.messages.borrow_mut();
        if messages.is_empty() {
            let outbox = Rc::clone(self);
            spawn_local(async move { outbox.hand_over() });
        }
        messages.push(message);
    }

    fn hand_over(&self) {
        let messages = self.messages.take();
        if self.freed.get() {
            return;
        }
        if let Err(error) = self.on_events.call1(&JsValue::NULL, &js(&messages)) {
            wasm_bindgen::throw_val(error);
        }
    }
}
