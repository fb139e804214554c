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
    /// Of a request that is accepted.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    accepted: Option<Accepted>,
    /// Of a request that is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    /// Of a request that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

/// What is known of an answer before it begins.
#[derive(Serialize)]
struct Accepted {
    /// What names the answer.
    id: String,
    /// Whether it comes in chunks.
    streams: bool,
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
        let accepted = Accepted { id: responder.id().into(), streams: responder.streams() };
        let responses = responder.accepted();
        self.responders.push((request, responder));
        Message { accepted: Some(accepted), ..Message::new(request, "accepted", &responses) }
    }

    /// The message about an event of the answer at a place. An event without a response has none, unless it is the last of all.
    pub fn event(&mut self, request: u32, answer: usize, event: &EventKind) -> Option<Message> {
        let place = self.responders.iter().position(|(number, _)| *number == request)?;
        if let EventKind::Failed { error } = event {
            self.responders.swap_remove(place);
            return Some(Message { failure: Some(Failure::of_request(error)), ..Message::new(request, "failed", &[]) });
        }
        let responder = &mut self.responders[place].1;
        let responses = responder.event(answer, event);
        if !responder.ended() {
            return (!responses.is_empty()).then(|| Message::new(request, "progress", &responses));
        }
        let usage = Some(responder.usage());
        self.responders.swap_remove(place);
        Some(Message { usage, ..Message::new(request, "finished", &responses) })
    }

    /// Whether a request is being answered.
    #[must_use]
    pub fn answers(&self, request: u32) -> bool {
        self.responders.iter().any(|(number, _)| *number == request)
    }
}

impl Message {
    fn new(request: u32, kind: &'static str, responses: &[Response]) -> Message {
        let responses = responses.iter().map(Response::json).collect();
        Message { request, kind, responses, accepted: None, usage: None, failure: None }
    }
}
