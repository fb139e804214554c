//! Messages to a page about its requests. They hold the JSON that a server would send.

use serde::Serialize;

use super::fault::Failure;
use crate::api::response::{Responder, Response};
use crate::engine::request::EventKind;
use crate::engine::usage::Usage;

/// A message to the page. Responses are JSON.
#[derive(Serialize)]
pub struct Message {
    /// JavaScript's number of the request.
    request: u32,
    /// `accepted`, `progress`, `finished` or `failed`.
    kind: &'static str,
    responses: Vec<String>,
    /// Of a request that is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    /// Of a request that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

/// Builds the responses to all running requests.
#[derive(Default)]
pub struct Replies {
    /// By JavaScript's number. There are few.
    responders: Vec<(u32, Responder)>,
}

impl Replies {
    /// A request was accepted: the message that says so, with what `responder` sends at once.
    pub fn begin(&mut self, request: u32, mut responder: Responder) -> Message {
        let responses = responder.accepted();
        self.responders.push((request, responder));
        Message::new(request, "accepted", &responses)
    }

    /// The message about an event. An event without a response has none, unless it is the last.
    pub fn event(&mut self, request: u32, event: &EventKind) -> Option<Message> {
        let place = self.responders.iter().position(|(number, _)| *number == request)?;
        match event {
            EventKind::Token { .. } => {
                let responses = self.responders[place].1.event(event);
                (!responses.is_empty()).then(|| Message::new(request, "progress", &responses))
            }
            EventKind::Finished { usage, .. } => {
                let responses = self.responders.swap_remove(place).1.event(event);
                Some(Message { usage: Some(*usage), ..Message::new(request, "finished", &responses) })
            }
            EventKind::Failed { error } => {
                self.responders.swap_remove(place);
                Some(Message { failure: Some(Failure::of_request(error)), ..Message::new(request, "failed", &[]) })
            }
        }
    }
}

impl Message {
    fn new(request: u32, kind: &'static str, responses: &[Response]) -> Message {
        let responses = responses.iter().map(Response::json).collect();
        Message { request, kind, responses, usage: None, failure: None }
    }
}
