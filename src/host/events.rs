//! Where the events of a request go.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use futures::{Stream, StreamExt};

use crate::engine::request::{Answer, Event, EventKind, RequestId};
use crate::{ErrorKind, Result};

/// Takes the events of a request, on the driver's thread. [`ControlFlow::Break`] ends the request.
#[cfg(not(target_arch = "wasm32"))]
pub type Sink = Box<dyn FnMut(Event) -> ControlFlow<()> + Send>;
/// Takes the events of a request. [`ControlFlow::Break`] ends the request.
#[cfg(target_arch = "wasm32")]
pub type Sink = Box<dyn FnMut(Event) -> ControlFlow<()>>;

/// The events of a request, as a stream that ends with the request. Dropping it ends the request.
pub struct Events {
    request: RequestId,
    receiver: UnboundedReceiver<Event>,
}

/// A sink, and what comes out of the stream behind it.
pub(super) fn channel() -> (Sink, UnboundedReceiver<Event>) {
    let (sender, receiver) = unbounded();
    let send = move |event| match sender.unbounded_send(event) {
        Ok(()) => ControlFlow::Continue(()),
        // Nobody listens any more.
        Err(_) => ControlFlow::Break(()),
    };
    (Box::new(send), receiver)
}

impl Events {
    pub(super) fn new(request: RequestId, receiver: UnboundedReceiver<Event>) -> Events {
        Events { request, receiver }
    }

    /// Which request they are of.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// The next event, if it is there already.
    pub fn ready(&mut self) -> Option<EventKind> {
        self.receiver.try_recv().ok().map(|event| event.kind)
    }

    /// Waits for the whole answer.
    ///
    /// # Errors
    /// What made the request fail; [`ErrorKind::Interrupted`] if its host is gone.
    pub async fn answer(mut self) -> Result<Answer> {
        let (mut ids, mut text, mut logprobs) = (Vec::new(), String::new(), Vec::new());
        while let Some(kind) = self.next().await {
            match kind {
                EventKind::Token { id, text: piece, logprobs: likely } => {
                    ids.push(id);
                    text.push_str(&piece);
                    logprobs.extend(likely.map(|likely| *likely));
                }
                EventKind::Finished { reason, usage } => return Ok(Answer { ids, text, logprobs, reason, usage }),
                EventKind::Failed { error } => return Err(error),
            }
        }
        Err(ErrorKind::Interrupted.into())
    }
}

/// The events of several requests, each with the place of its request among them.
pub struct Answers {
    submitted: Vec<Submitted>,
    receiver: UnboundedReceiver<(usize, EventKind)>,
}

/// Sinks for requests at places, and what comes out of the stream behind them.
pub(super) fn channels() -> (impl FnMut(usize) -> Sink, UnboundedReceiver<(usize, EventKind)>) {
    let (sender, receiver) = unbounded();
    let sink = move |place| -> Sink {
        let sender = sender.clone();
        Box::new(move |event: Event| match sender.unbounded_send((place, event.kind)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })
    };
    (sink, receiver)
}

impl Answers {
    pub(super) fn new(submitted: Vec<Submitted>, receiver: UnboundedReceiver<(usize, EventKind)>) -> Answers {
        Answers { submitted, receiver }
    }

    /// The requests.
    #[must_use]
    pub fn submitted(&self) -> &[Submitted] {
        &self.submitted
    }

    /// The next event, if it is there already.
    pub fn ready(&mut self) -> Option<(usize, EventKind)> {
        self.receiver.try_recv().ok()
    }
}

impl Stream for Answers {
    type Item = (usize, EventKind);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_next_unpin(context)
    }
}

/// A request that was sent to a model.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// Names it.
    pub id: RequestId,
    /// The last text of its prompt, with special tokens: see [`Intake::tail`](crate::engine::intake::Intake::tail).
    pub tail: String,
}

impl Stream for Events {
    type Item = EventKind;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<EventKind>> {
        self.receiver.poll_next_unpin(context).map(|event| event.map(|event| event.kind))
    }
}
