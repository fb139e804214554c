//! Responses: what the events of a request become, in OpenAI's form.
//!
//! A [`Responder`] is made from a request and gets its events. It gives whole answers, or chunks
//! where the request streams. The JSON is the same on every host: a page only hands it on.

mod call;
mod chat;
mod choice;
mod completion;
mod error;
mod health;
mod ids;
mod logprobs;
mod model;

use serde::Serialize;

pub use call::{CallDelta, Function, FunctionDelta, ToolCall};
pub use chat::{ChatChoice, ChatChunk, ChatChunkChoice, ChatCompletion, ChatDelta, ChatMessage};
pub use completion::{Completion, CompletionChoice, CompletionChunk, CompletionChunkChoice};
pub use error::{ErrorObject, ErrorResponse};
pub use health::Health;
pub use logprobs::{ChatLogprob, ChatLogprobs, ChatToken, CompletionLogprobs};
pub use model::{Capabilities, ModelList, ModelObject};

use crate::api::request::{Api, ApiRequest};
use crate::clock;
use crate::engine::request::EventKind;
use crate::engine::usage::{FinishReason, Usage};
use crate::text::answer::{Format, Parser};
use choice::Choice;
use ids::{seed, unique};

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

/// Builds the responses to one request, from the events of all its answers.
#[derive(Debug)]
pub struct Responder {
    head: Head,
    form: Form,
    /// Whether a stream ends with a chunk that has the usage.
    include_usage: bool,
    /// Whether log probabilities are told.
    logprobs: bool,
    /// Answers that are made for each prompt, and how many of them are given.
    made: usize,
    given: usize,
    /// Characters of each prompt that answers begin with.
    echoed: Vec<usize>,
    choices: Vec<Choice>,
    /// What those that have ended took.
    usage: Option<Usage>,
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
    /// Responses to a request. `format` is how the model writes answers to it, and `tails` the last texts of its prompts, one for each of
    /// [`ApiRequest::requests`].
    #[must_use]
    pub fn new(request: &ApiRequest, head: Head, format: &Format, tails: &[String]) -> Responder {
        let form = match (request.api, request.stream) {
            (Api::Chat, false) => Form::Chat,
            (Api::Chat, true) => Form::ChatChunks,
            (Api::Completion, false) => Form::Completion,
            (Api::Completion, true) => Form::CompletionChunks,
        };
        let made = request.best_of as usize;
        let choice = |(place, tail): (usize, &String)| {
            let parser = (request.api == Api::Chat).then(|| Parser::new(format, tail, request.tools()));
            Choice::new(parser, !request.parallel_tool_calls, seed(&head.id, place), request.echoes.get(place / made).cloned())
        };
        let choices = tails.iter().enumerate().map(choice).collect();
        Responder {
            head,
            form,
            include_usage: request.include_usage,
            logprobs: request.logprobs.is_some(),
            made,
            given: request.n as usize,
            echoed: request.echoes.iter().map(|echo| echo.chars().count()).collect(),
            choices,
            usage: None,
        }
    }

    /// What names the answer.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.head.id
    }

    /// Whether the answer goes out in chunks.
    #[must_use]
    pub fn streams(&self) -> bool {
        matches!(self.form, Form::ChatChunks | Form::CompletionChunks)
    }

    /// Whether all answers have ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.choices.iter().all(|choice| choice.reason.is_some())
    }

    /// What all answers together took, once they have ended.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage.unwrap_or_default()
    }

    /// What to send when the engine has accepted the request: the echo of a streamed completion.
    pub fn accepted(&mut self) -> Vec<Response> {
        if self.form != Form::CompletionChunks {
            return Vec::new();
        }
        let echoing: Vec<usize> = (0..self.choices.len()).filter(|place| !self.choices[*place].part.is_empty()).collect();
        echoing.into_iter().map(|place| self.chunk(place, None)).collect()
    }

    /// What to send for an event of the answer at a place. The last one of all gives the last response. A request of which an answer fails has
    /// failed.
    pub fn event(&mut self, place: usize, event: &EventKind) -> Vec<Response> {
        match event {
            EventKind::Token { text, logprobs, .. } => {
                let choice = &mut self.choices[place];
                choice.token(text, logprobs.as_deref());
                // The text of a token can be held back until the next one.
                if choice.part.is_empty() || !self.streams() { Vec::new() } else { vec![self.chunk(place, None)] }
            }
            EventKind::Finished { reason, usage } => self.finished(place, *reason, *usage),
            EventKind::Failed { error } => vec![Response::Error(ErrorResponse::of(error))],
        }
    }

    /// An answer has ended.
    fn finished(&mut self, place: usize, reason: FinishReason, mut usage: Usage) -> Vec<Response> {
        self.choices[place].end(reason, &mut usage);
        // Answers to one prompt have that prompt in common.
        let prompt = place / self.made;
        let mut others = self.choices.iter().enumerate().filter(|(other, choice)| *other != place && choice.reason.is_some());
        let shared = others.any(|(other, _)| other / self.made == prompt);
        match &mut self.usage {
            Some(all) => all.add(&usage, shared),
            None => self.usage = Some(usage),
        }
        let mut responses = Vec::new();
        if self.streams() {
            let reason = self.choices[place].reason;
            responses.push(self.chunk(place, reason));
        }
        if self.ended() {
            match self.form {
                Form::Chat | Form::Completion => responses.push(self.whole()),
                Form::ChatChunks | Form::CompletionChunks if self.include_usage => responses.push(self.last()),
                Form::ChatChunks | Form::CompletionChunks => {}
            }
        }
        responses
    }

    /// All answers that are given. The best of those that were made come first.
    fn whole(&mut self) -> Response {
        let (made, given, logprobs) = (self.made, self.given, self.logprobs);
        let mut best: Vec<(usize, Choice)> = Vec::new();
        let mut all = std::mem::take(&mut self.choices).into_iter();
        while all.len() > 0 {
            let mut candidates: Vec<Choice> = all.by_ref().take(made).collect();
            if made > given {
                candidates.sort_by(|one, other| other.mean().total_cmp(&one.mean()));
            }
            candidates.truncate(given);
            let prompt = best.len() / given;
            best.extend(candidates.into_iter().map(|choice| (prompt, choice)));
        }
        let usage = self.usage();
        let answers = best.into_iter().enumerate().map(|(index, (prompt, choice))| {
            let reason = choice.reason.unwrap_or(FinishReason::Abort);
            (index, prompt, choice.part, reason)
        });
        if self.form == Form::Chat {
            let choices = answers.map(|(index, _, part, reason)| ChatChoice::new(index, part, logprobs, reason)).collect();
            return Response::Chat(ChatCompletion::new(&self.head, choices, usage));
        }
        let echoed = |prompt: usize| self.echoed.get(prompt).copied().unwrap_or_default();
        let choice = |(index, prompt, part, reason)| CompletionChoice::new(index, part, logprobs, echoed(prompt), reason);
        Response::Completion(Completion::new(&self.head, answers.map(choice).collect(), usage))
    }

    /// A chunk with what was not sent of an answer.
    fn chunk(&mut self, place: usize, reason: Option<FinishReason>) -> Response {
        let choice = &mut self.choices[place];
        let part = std::mem::take(&mut choice.part);
        let first = !std::mem::replace(&mut choice.begun, true);
        let sent = choice.sent;
        choice.sent += part.content.chars().count();
        // OpenAI: with `include_usage`, all chunks but the last have the usage null.
        let usage = self.include_usage.then_some(None);
        match self.form {
            Form::Completion | Form::CompletionChunks => {
                let choices = vec![CompletionChunkChoice::new(place, part, self.logprobs, sent, reason)];
                Response::CompletionChunk(CompletionChunk::new(&self.head, choices, usage))
            }
            Form::Chat | Form::ChatChunks => {
                let choices = vec![ChatChunkChoice::new(place, first, part, self.logprobs, reason)];
                Response::ChatChunk(ChatChunk::new(&self.head, choices, usage))
            }
        }
    }

    /// The chunk that has the usage and no choice.
    fn last(&self) -> Response {
        let usage = Some(Some(self.usage()));
        match self.form {
            Form::Completion | Form::CompletionChunks => Response::CompletionChunk(CompletionChunk::new(&self.head, Vec::new(), usage)),
            Form::Chat | Form::ChatChunks => Response::ChatChunk(ChatChunk::new(&self.head, Vec::new(), usage)),
        }
    }
}

#[cfg(test)]
mod tests;
