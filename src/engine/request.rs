//! Requests to the engine, and the events that it reports.

use std::sync::Arc;

use crate::engine::logprobs::Logprobs;
use crate::engine::usage::{FinishReason, Usage};
use crate::grammar::Grammar;
use crate::sampler::Sampling;
use crate::text::chat::{Chat, Dialogue};
use crate::text::infill::infill;
use crate::text::message::Message;
use crate::text::tokenizer::Tokenizer;
use crate::{Error, ErrorKind, Result};

/// Tells requests apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

impl RequestId {
    /// Counts from 0 in each host.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

/// What to continue.
#[derive(Clone, Debug, PartialEq)]
pub enum Prompt {
    /// A conversation, written as the package's template has it.
    Chat(Dialogue),
    /// A text with a gap, for models that were trained to fill it.
    Gap {
        /// What comes before the gap.
        before: String,
        /// What comes behind it.
        after: String,
    },
    /// A text, as it is.
    Text(String),
    /// Tokens, as they are.
    Ids(Vec<u32>),
}

impl Prompt {
    /// Its ids, with the package's tokenizer and its way to write conversations.
    ///
    /// # Errors
    /// [`ErrorKind::NoTokenizer`], those of [`Chat::prompt`] and [`Tokenizer::encode`], [`ErrorKind::UnsupportedField`] where the tokenizer
    /// has no tokens for a gap.
    pub fn ids(&self, tokenizer: Option<&Tokenizer>, chat: &Chat) -> Result<Vec<u32>> {
        let tokenizer = || tokenizer.ok_or(ErrorKind::NoTokenizer);
        match self {
            Prompt::Chat(dialogue) => chat.prompt(tokenizer()?, dialogue),
            Prompt::Text(text) => tokenizer()?.encode(text, true),
            Prompt::Gap { before, after } => infill(tokenizer()?, before, after),
            Prompt::Ids(ids) => Ok(ids.clone()),
        }
    }
}

/// What is wanted of an answer's calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calling {
    /// Names of the tools that may be called; all if absent.
    pub only: Option<Vec<String>>,
    /// Whether there must be a call.
    pub must: bool,
    /// Whether there may be several.
    pub parallel: bool,
}

/// A generation request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What to continue.
    pub prompt: Prompt,
    /// How to pick tokens.
    pub sampling: Sampling,
    /// The most tokens of the answer; as many as the context holds, if absent.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer and are not part of it.
    pub stop: Vec<String>,
    /// Whether an answer goes on after a token that would end it.
    pub ignore_eos: bool,
    /// Writes the special tokens that mark reasoning and tool calls, for those who tell the parts of an answer apart
    /// ([`crate::text::answer`]).
    pub marks: bool,
    /// What the answer must be, its reasoning aside.
    pub grammar: Option<Arc<Grammar>>,
    /// Which tools the answer calls, if it matters.
    pub calling: Option<Arc<Calling>>,
    /// The most tokens of reasoning. Then its end is written, and the answer follows.
    pub thinking_budget: Option<u32>,
    /// Tells the log probability of each token, and those of so many of the likeliest tokens in its place.
    pub logprobs: Option<u32>,
    /// Of requests that wait, those with lower numbers run first, as in vLLM; equal ones in the order in which they came.
    pub priority: i64,
}

impl Request {
    /// A request for the likeliest answer to a conversation.
    #[must_use]
    pub fn chat(messages: Vec<Message>) -> Request {
        Request::greedy(Prompt::Chat(Dialogue { messages, ..Dialogue::default() }))
    }

    /// A request for the likeliest continuation.
    #[must_use]
    pub fn greedy(prompt: Prompt) -> Request {
        Request {
            prompt,
            sampling: Sampling::greedy(),
            max_tokens: None,
            stop: Vec::new(),
            ignore_eos: false,
            marks: false,
            grammar: None,
            calling: None,
            thinking_budget: None,
            logprobs: None,
            priority: 0,
        }
    }
}

/// An event of a request.
#[derive(Debug)]
pub struct Event {
    /// Which.
    pub request: RequestId,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen to a request.
#[derive(Debug)]
pub enum EventKind {
    /// The answer has one more token. The texts of an answer's tokens come to its text; that of one token can be empty, or hold what came
    /// late of those before it.
    Token {
        /// The token. One that ends the answer is told too, without text of its own.
        id: u32,
        /// What can be shown now.
        text: String,
        /// How likely it was, if the request asked for that.
        logprobs: Option<Box<Logprobs>>,
    },
    /// The answer is complete.
    Finished {
        /// Why.
        reason: FinishReason,
        /// What it took.
        usage: Usage,
    },
    /// There will be no more of it. Other requests go on.
    Failed {
        /// Why.
        error: Error,
    },
}

/// An answer in one piece.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its tokens.
    pub ids: Vec<u32>,
    /// Its text; empty without a tokenizer.
    pub text: String,
    /// How likely its tokens were, if the request asked for that.
    pub logprobs: Vec<Logprobs>,
    /// Why it ended.
    pub reason: FinishReason,
    /// What it took.
    pub usage: Usage,
}
