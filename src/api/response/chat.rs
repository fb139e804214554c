//! Objects of the chat completions API.

use serde::Serialize;
use serde_json::Value;

use super::Head;
use crate::engine::usage::{FinishReason, Usage};

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatCompletion {
    /// Of the answer.
    pub id: String,
    /// `chat.completion`
    pub object: &'static str,
    /// Seconds since 1970, when the answer began.
    pub created: u64,
    /// Which model answered.
    pub model: String,
    /// One.
    pub choices: [ChatChoice; 1],
    /// What it took.
    pub usage: Usage,
    /// See [`Head::system_fingerprint`].
    pub system_fingerprint: String,
}

impl ChatCompletion {
    pub(super) fn new(head: &Head, text: String, reason: FinishReason, usage: Usage) -> Self {
        let Head { id, created, model, system_fingerprint } = head.clone();
        let message = ChatMessage { role: "assistant", content: text, refusal: None };
        let choice = ChatChoice { index: 0, message, logprobs: None, finish_reason: reason };
        let object = "chat.completion";
        ChatCompletion { id, object, created, model, choices: [choice], usage, system_fingerprint }
    }
}

/// The answer in a completion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatChoice {
    /// 0
    pub index: u32,
    /// What the model says.
    pub message: ChatMessage,
    /// Always null.
    pub logprobs: Option<Value>,
    /// Why it ended.
    pub finish_reason: FinishReason,
}

/// The message of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatMessage {
    /// `assistant`
    pub role: &'static str,
    /// What the model says.
    pub content: String,
    /// Always null.
    pub refusal: Option<String>,
}

/// A part of a streamed answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatChunk {
    /// Of the answer.
    pub id: String,
    /// `chat.completion.chunk`
    pub object: &'static str,
    /// Seconds since 1970, when the answer began.
    pub created: u64,
    /// Which model answers.
    pub model: String,
    /// One, or none in the chunk with the usage.
    pub choices: Vec<ChatChunkChoice>,
    /// What the answer took: absent if it was not asked for, null in all chunks but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Option<Usage>>,
    /// See [`Head::system_fingerprint`].
    pub system_fingerprint: String,
}

impl ChatChunk {
    pub(super) fn new(head: &Head, choices: Vec<ChatChunkChoice>, usage: Option<Option<Usage>>) -> Self {
        let Head { id, created, model, system_fingerprint } = head.clone();
        let object = "chat.completion.chunk";
        ChatChunk { id, object, created, model, choices, usage, system_fingerprint }
    }
}

/// The answer in a chunk.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatChunkChoice {
    /// 0
    pub index: u32,
    /// What is new.
    pub delta: ChatDelta,
    /// Always null.
    pub logprobs: Option<Value>,
    /// Why the answer ended, in its last chunk.
    pub finish_reason: Option<FinishReason>,
}

impl ChatChunkChoice {
    pub(super) fn new(first: bool, text: String, reason: Option<FinishReason>) -> Self {
        let content = (first || !text.is_empty()).then_some(text);
        let delta = ChatDelta { role: first.then_some("assistant"), content };
        ChatChunkChoice { index: 0, delta, logprobs: None, finish_reason: reason }
    }
}

/// What is new in a chunk.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ChatDelta {
    /// `assistant`, in the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}
