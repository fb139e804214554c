//! Objects of the completions API.

use serde::Serialize;
use serde_json::Value;

use super::Head;
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
    /// One.
    pub choices: [CompletionChoice; 1],
    /// What it took.
    pub usage: Usage,
    /// See [`Head::system_fingerprint`].
    pub system_fingerprint: String,
}

impl Completion {
    pub(super) fn new(head: &Head, text: String, finish_reason: FinishReason, usage: Usage) -> Self {
        let Head { id, created, model, system_fingerprint } = head.clone();
        let choice = CompletionChoice { index: 0, text, logprobs: None, finish_reason };
        Completion { id, object: OBJECT, created, model, choices: [choice], usage, system_fingerprint }
    }
}

/// The answer in a completion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompletionChoice {
    /// 0
    pub index: u32,
    /// The text, behind the prompt if its echo was asked for.
    pub text: String,
    /// Always null.
    pub logprobs: Option<Value>,
    /// Why it ended.
    pub finish_reason: FinishReason,
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
    /// 0
    pub index: u32,
    /// What is new.
    pub text: String,
    /// Always null.
    pub logprobs: Option<Value>,
    /// Why the answer ended, in its last chunk.
    pub finish_reason: Option<FinishReason>,
}

impl CompletionChunkChoice {
    pub(super) fn new(text: String, finish_reason: Option<FinishReason>) -> Self {
        CompletionChunkChoice { index: 0, text, logprobs: None, finish_reason }
    }
}
