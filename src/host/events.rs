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
        let (mut ids, mut text) = (Vec::new(), String::new());
        while let Some(kind) = self.next().await {
            match kind {
                EventKind::Token { id, text: piece } => {
                    ids.push(id);
                    text.push_str(&piece);
                }
                EventKind::Finished { reason, usage } => return Ok(Answer { ids, text, reason, usage }),
                EventKind::Failed { error } => return Err(error),
            }
        }
        Err(ErrorKind::Interrupted.into())
    }
}

impl Stream for Events {
    type Item = EventKind;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<EventKind>> {
        self.receiver.poll_next_unpin(context).map(|event| event.map(|event| event.kind))
    }
}
