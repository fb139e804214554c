//! Objects of the completions API.

use serde::Serialize;

use super::Head;
use super::choice::Part;
use super::logprobs::CompletionLogprobs;
use crate::engine::usage::{FinishReason, Usage};

/// What both objects are called.
const OBJECT: &str = "text_completion";

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Completion {
    /// Of the answer.
    pub id: String,
    /// `text_completion`
    pub object: &'static str,
    /// Seconds since 1970, when the answer began.
    pub created: u64,
    /// Which model answered.
    pub model: String,
    /// As many for each prompt as were asked for, one prompt after the other.
    pub choices: Vec<CompletionChoice>,
    /// What it took.
    pub usage: Usage,
    /// See [`Head::system_fingerprint`].
    pub system_fingerprint: String,
}

impl Completion {
    pub(super) fn new(head: &Head, choices: Vec<CompletionChoice>, usage: Usage) -> Self {
        let Head { id, created, model, system_fingerprint } = head.clone();
        Completion { id, object: OBJECT, created, model, choices, usage, system_fingerprint }
    }
}

/// The answer in a completion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompletionChoice {
    /// Which answer, from 0 on.
    pub index: usize,
    /// The text, behind the prompt if its echo was asked for.
    pub text: String,
    /// How likely its tokens were, if that was asked for.
    pub logprobs: Option<CompletionLogprobs>,
    /// Why it ended.
    pub finish_reason: FinishReason,
}

impl CompletionChoice {
    /// `offset` is how many characters of the text are the prompt's.
    pub(super) fn new(index: usize, part: Part, logprobs: bool, offset: usize, finish_reason: FinishReason) -> Self {
        let logprobs = logprobs.then(|| CompletionLogprobs::new(&part.logprobs, offset));
        CompletionChoice { index, text: part.content, logprobs, finish_reason }
    }
}

/// A part of a streamed answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompletionChunk {
    /// Of the answer.
    pub id: String,
    /// `text_completion`
    pub object: &'static str,
    /// Seconds since 1970, when the answer began.
    pub created: u64,
    /// Which model answers.
    pub model: String,
    /// One, or none in the chunk with the usage.
    pub choices: Vec<CompletionChunkChoice>,
    /// What the answer took: absent if it was not asked for, null in all chunks but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Option<Usage>>,
    /// See [`Head::system_fingerprint`].
    pub system_fingerprint: String,
}

impl CompletionChunk {
    pub(super) fn new(head: &Head, choices: Vec<CompletionChunkChoice>, usage: Option<Option<Usage>>) -> Self {
        let Head { id, created, model, system_fingerprint } = head.clone();
        CompletionChunk { id, object: OBJECT, created, model, choices, usage, system_fingerprint }
    }
}

/// The answer in a chunk.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompletionChunkChoice {
    /// Which answer, from 0 on.
    pub index: usize,
    /// What is new.
    pub text: String,
    /// How likely its tokens were, if that was asked for.
    pub logprobs: Option<CompletionLogprobs>,
    /// Why the answer ended, in its last chunk.
    pub finish_reason: Option<FinishReason>,
}

impl CompletionChunkChoice {
    /// `offset` is how many characters have gone out before.
    pub(super) fn new(index: usize, part: Part, logprobs: bool, offset: usize, finish_reason: Option<FinishReason>) -> Self {
        let logprobs = logprobs.then(|| CompletionLogprobs::new(&part.logprobs, offset));
        CompletionChunkChoice { index, text: part.content, logprobs, finish_reason }
    }
}
