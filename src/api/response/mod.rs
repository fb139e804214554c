//! Responses: what the events of a request become, in OpenAI's form.
//!
//! A [`Responder`] is made from a request and gets its events. It gives whole answers, or chunks
//! where the request streams. The JSON is the same on every host: a page only hands it on.

mod chat;
mod completion;
mod error;
mod model;

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

pub use chat::{ChatChoice, ChatChunk, ChatChunkChoice, ChatCompletion, ChatDelta, ChatMessage};
pub use completion::{Completion, CompletionChoice, CompletionChunk, CompletionChunkChoice};
pub use error::{ErrorObject, ErrorResponse};
pub use model::{ModelList, ModelObject};

use crate::api::request::{Api, ApiRequest};
use crate::clock;
use crate::engine::request::EventKind;
use crate::engine::usage::{FinishReason, Usage};

/// Something to send.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// A whole answer of the chat completions API.
    Chat(ChatCompletion),
    /// A part of a streamed one.
    ChatChunk(ChatChunk),
    /// A whole answer of the completions API.
    Completion(Completion),
    /// A part of a streamed one.
    CompletionChunk(CompletionChunk),
    /// The request failed.
    Error(ErrorResponse),
}

impl Response {
    /// The JSON to send. It holds no line end, so that it fits a line of an event stream.
    #[must_use]
    pub fn json(&self) -> String {
        json(self)
    }
}

/// A response as JSON.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts, numbers and lists of them are JSON")
}

/// What all responses to one request share.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Names the answer.
    pub id: String,
    /// Seconds since 1970, when the answer began.
    pub created: u64,
    /// Which model answers.
    pub model: String,
    /// Changes where answers to the same request and seed may differ.
    pub system_fingerprint: String,
}

impl Head {
    /// The head of an answer that begins now.
    #[must_use]
    pub fn new(api: Api, model: impl Into<String>, system_fingerprint: impl Into<String>) -> Head {
        let prefix = match api {
            Api::Chat => "chatcmpl",
            Api::Completion => "cmpl",
        };
        let created = clock::unix_seconds() as u64;
        let id = format!("{prefix}-{:032x}", unique());
        Head { id, created, model: model.into(), system_fingerprint: system_fingerprint.into() }
    }
}

/// Builds the responses to one request.
#[derive(Clone, Debug)]
pub struct Responder {
    head: Head,
    form: Form,
    /// Whether a stream ends with a chunk that has the usage.
    include_usage: bool,
    /// Text of the answer so far that was not sent: all of it where the answer is to be whole.
    text: String,
    /// Whether a chunk has gone out.
    begun: bool,
}

/// Which objects a request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Chat,
    ChatChunks,
    Completion,
    CompletionChunks,
}

impl Responder {
    /// Responses to a request.
    #[must_use]
    pub fn new(request: &ApiRequest, head: Head) -> Responder {
        let form = match (request.api, request.stream) {
            (Api::Chat, false) => Form::Chat,
            (Api::Chat, true) => Form::ChatChunks,
            (Api::Completion, false) => Form::Completion,
            (Api::Completion, true) => Form::CompletionChunks,
        };
        let text = request.echo.clone().unwrap_or_default();
        Responder { head, form, include_usage: request.include_usage, text, begun: false }
    }

    /// What to send when the engine has accepted the request: the echo of a streamed completion.
    pub fn accepted(&mut self) -> Vec<Response> {
        if self.form == Form::CompletionChunks && !self.text.is_empty() { self.flush() } else { Vec::new() }
    }

    /// What to send for an event. The last one of a request gives the last response.
    pub fn event(&mut self, event: &EventKind) -> Vec<Response> {
        match event {
            EventKind::Token { text, .. } => self.text(text),
            EventKind::Finished { reason, usage } => self.finished(*reason, *usage),
            EventKind::Failed { error } => vec![Response::Error(ErrorResponse::of(error))],
        }
    }

    /// More text of the answer.
    fn text(&mut self, text: &str) -> Vec<Response> {
        self.text.push_str(text);
        match self.form {
            Form::Chat | Form::Completion => Vec::new(),
            // The text of a token can be held back until the next one.
            Form::ChatChunks | Form::CompletionChunks if text.is_empty() => Vec::new(),
            Form::ChatChunks | Form::CompletionChunks => self.flush(),
        }
    }

    /// The end of the answer.
    fn finished(&mut self, reason: FinishReason, usage: Usage) -> Vec<Response> {
        let text = std::mem::take(&mut self.text);
        let head = &self.head;
        match self.form {
            Form::Chat => vec![Response::Chat(ChatCompletion::new(head, text, reason, usage))],
            Form::Completion => vec![Response::Completion(Completion::new(head, text, reason, usage))],
            Form::ChatChunks | Form::CompletionChunks => {
                let last = self.chunk(text, Some(reason));
                let usage = self.include_usage.then(|| self.usage(usage));
                [Some(last), usage].into_iter().flatten().collect()
            }
        }
    }

    /// A chunk with the text that was not sent.
    fn flush(&mut self) -> Vec<Response> {
        let text = std::mem::take(&mut self.text);
        vec![self.chunk(text, None)]
    }

    fn chunk(&mut self, text: String, reason: Option<FinishReason>) -> Response {
        let first = !std::mem::replace(&mut self.begun, true);
        // OpenAI: with `include_usage`, all chunks but the last have the usage null.
        let usage = self.include_usage.then_some(None);
        match self.form {
            Form::Completion | Form::CompletionChunks => {
                let choices = vec![CompletionChunkChoice::new(text, reason)];
                Response::CompletionChunk(CompletionChunk::new(&self.head, choices, usage))
            }
            Form::Chat | Form::ChatChunks => {
                let choices = vec![ChatChunkChoice::new(first, text, reason)];
                Response::ChatChunk(ChatChunk::new(&self.head, choices, usage))
            }
        }
    }

    /// The chunk that has the usage and no choice.
    fn usage(&self, usage: Usage) -> Response {
        let usage = Some(Some(usage));
        match self.form {
            Form::Completion | Form::CompletionChunks => Response::CompletionChunk(CompletionChunk::new(&self.head, Vec::new(), usage)),
            Form::Chat | Form::ChatChunks => Response::ChatChunk(ChatChunk::new(&self.head, Vec::new(), usage)),
        }
    }
}

/// A number that no other answer has, as far as clocks and a counter can make one: two engines of a
/// page run in workers of their own, which share no counter.
fn unique() -> u128 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let (wall, own) = (clock::unix_seconds().to_bits(), clock::seconds().to_bits());
    let half = |seed: u64| mixed(mixed(seed ^ wall).wrapping_add(own)).wrapping_add(count);
    u128::from(mixed(half(1))) << 64 | u128::from(mixed(half(2)))
}

/// SplitMix64: each bit of the result depends on all of the argument.
fn mixed(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests;
