//! Objects of the chat completions API.

use serde::Serialize;

use super::Head;
use super::call::{CallDelta, ToolCall};
use super::choice::Part;
use super::logprobs::ChatLogprobs;
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
    /// As many as were asked for.
    pub choices: Vec<ChatChoice>,
    /// What it took.
    pub usage: Usage,
    /// See [`Head::system_fingerprint`].
    pub system_fingerprint: String,
}

impl ChatCompletion {
    pub(super) fn new(head: &Head, choices: Vec<ChatChoice>, usage: Usage) -> Self {
        let Head { id, created, model, system_fingerprint } = head.clone();
        let object = "chat.completion";
        ChatCompletion { id, object, created, model, choices, usage, system_fingerprint }
    }
}

/// The answer in a completion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatChoice {
    /// Which answer, from 0 on.
    pub index: usize,
    /// What the model says.
    pub message: ChatMessage,
    /// How likely its tokens were, if that was asked for.
    pub logprobs: Option<ChatLogprobs>,
    /// Why it ended.
    pub finish_reason: FinishReason,
}

impl ChatChoice {
    pub(super) fn new(index: usize, part: Part, logprobs: bool, finish_reason: FinishReason) -> Self {
        let tool_calls = ToolCall::of(&part.calls);
        let Part { content, reasoning, logprobs: tokens, .. } = part;
        let message = ChatMessage {
            role: "assistant",
            // A message that only calls tools says nothing.
            content: (!content.is_empty() || tool_calls.is_empty()).then_some(content),
            refusal: None,
            reasoning_content: (!reasoning.is_empty()).then_some(reasoning),
            tool_calls,
        };
        ChatChoice { index, message, logprobs: logprobs.then(|| ChatLogprobs::new(&tokens)), finish_reason }
    }
}

/// The message of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatMessage {
    /// `assistant`
    pub role: &'static str,
    /// What the model says. Null if it only calls tools.
    pub content: Option<String>,
    /// Always null.
    pub refusal: Option<String>,
    /// What the model thought before, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// Tools that it calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
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
    /// Which answer, from 0 on.
    pub index: usize,
    /// What is new.
    pub delta: ChatDelta,
    /// How likely its tokens were, if that was asked for.
    pub logprobs: Option<ChatLogprobs>,
    /// Why the answer ended, in its last chunk.
    pub finish_reason: Option<FinishReason>,
}

impl ChatChunkChoice {
    pub(super) fn new(index: usize, first: bool, part: Part, logprobs: bool, finish_reason: Option<FinishReason>) -> Self {
        let Part { content, reasoning, calls: tool_calls, logprobs: tokens } = part;
        let delta = ChatDelta {
            role: first.then_some("assistant"),
            content: (first && reasoning.is_empty() && tool_calls.is_empty() || !content.is_empty()).then_some(content),
            reasoning_content: (!reasoning.is_empty()).then_some(reasoning),
            tool_calls,
        };
        ChatChunkChoice { index, delta, logprobs: logprobs.then(|| ChatLogprobs::new(&tokens)), finish_reason }
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
    /// More of what the model thinks before it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// More of the tools that it calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<CallDelta>,
}
