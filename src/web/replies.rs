//! What a page is told of its requests: the JSON that a server would send, in messages.

use serde::Serialize;

use super::fault::Failure;
use crate::api::response::{Responder, Response};
use crate::engine::request::EventKind;
use crate::engine::usage::Usage;

/// What happened to a request.
pub enum News {
    /// The engine took it.
    Accepted {
        /// JavaScript's number of it.
        request: u32,
    },
    /// The engine says something of it.
    Event {
        /// JavaScript's number of it.
        request: u32,
        /// What.
        kind: EventKind,
    },
}

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
    /// A request begins.
    pub fn begin(&mut self, request: u32, responder: Responder) {
        self.responders.push((request, responder));
    }

    /// The messages for what happened, in its order. Events without a response are not told.
    pub fn messages(&mut self, news: Vec<News>) -> Vec<Message> {
        news.into_iter().filter_map(|news| self.message(news)).collect()
    }

    fn message(&mut self, news: News) -> Option<Message> {
        let (request, kind) = match news {
            News::Event { request, kind: EventKind::Failed { error } } => {
                return Some(self.failed(request, Failure::of_request(&error)));
            }
            News::Accepted { request } => (request, None),
            News::Event { request, kind } => (request, Some(kind)),
        };
        let place = self.responders.iter().position(|(number, _)| *number == request)?;
        let responder = &mut self.responders[place].1;
        let responses = match &kind {
            None => responder.accepted(),
            Some(kind) => responder.event(kind),
        };
        let responses: Vec<String> = responses.iter().map(Response::json).collect();
        let (kind, usage) = match kind {
            None => ("accepted", None),
            Some(EventKind::Finished { usage, .. }) => {
                self.responders.swap_remove(place);
                ("finished", Some(usage))
            }
            Some(_) if responses.is_empty() => return None,
            Some(_) => ("progress", None),
        };
        Some(Message { request, kind, responses, usage, failure: None })
    }

    fn failed(&mut self, request: u32, failure: Failure) -> Message {
        self.responders.retain(|(number, _)| *number != request);
        Message { request, kind: "failed", responses: Vec::new(), usage: None, failure: Some(failure) }
    }
}
