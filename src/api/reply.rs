//! Answers of the chat completions API: whole ones, and chunks of streamed ones.

use serde::Serialize;
use serde_json::Value;

use crate::clock;
use crate::engine::usage::{FinishReason, Usage};
use crate::text::message::Message;

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatCompletion {
    /// Of the answer.
    pub id: String,
    /// `chat.completion`
    pub object: &'static str,
    /// Seconds since 1970.
    pub created: u64,
    /// Which model answered.
    pub model: String,
    /// One.
    pub choices: [Choice; 1],
    /// What it took.
    pub usage: Usage,
}

/// The answer in a completion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// 0
    pub index: u32,
    /// What the model says.
    pub message: Message,
    /// Nothing.
    pub logprobs: Option<Value>,
    /// Why it ended.
    pub finish_reason: FinishReason,
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
    pub choices: Vec<ChunkChoice>,
    /// What the answer took, in the last chunk if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// The answer in a chunk.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChunkChoice {
    /// 0
    pub index: u32,
    /// What is new.
    pub delta: Delta,
    /// Nothing.
    pub logprobs: Option<Value>,
    /// Why it ended, in its last chunk.
    pub finish_reason: Option<FinishReason>,
}

/// What is new in a chunk.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Delta {
    /// `assistant`, in the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// Writes the answer to one request.
#[derive(Clone, Debug)]
pub struct Reply {
    id: String,
    created: u64,
    model: String,
    begun: bool,
}

impl Reply {
    /// Starts an answer; `number` tells the answers of an engine apart.
    #[must_use]
    pub fn new(number: u64, model: impl Into<String>) -> Reply {
        let created = clock::unix_seconds();
        Reply { id: format!("chatcmpl-{:x}-{number}", (created * 1e3) as u64), created: created as u64, model: model.into(), begun: false }
    }

    /// A chunk with text; the first one names the role.
    pub fn text(&mut self, text: impl Into<String>) -> ChatChunk {
        let role = (!std::mem::replace(&mut self.begun, true)).then_some("assistant");
        self.chunk(
            vec![ChunkChoice { index: 0, delta: Delta { role, content: Some(text.into()) }, logprobs: None, finish_reason: None }],
            None,
        )
    }

    /// The chunk that ends the answer.
    #[must_use]
    pub fn end(&self, reason: FinishReason) -> ChatChunk {
        self.chunk(vec![ChunkChoice { index: 0, delta: Delta::default(), logprobs: None, finish_reason: Some(reason) }], None)
    }

    /// The chunk with the usage.
    #[must_use]
    pub fn usage(&self, usage: Usage) -> ChatChunk {
        self.chunk(Vec::new(), Some(usage))
    }

    /// The answer in one piece.
    #[must_use]
    pub fn whole(self, text: impl Into<String>, reason: FinishReason, usage: Usage) -> ChatCompletion {
        let message = Message::new("assistant", text);
        let choice = Choice { index: 0, message, logprobs: None, finish_reason: reason };
        ChatCompletion { id: self.id, object: "chat.completion", created: self.created, model: self.model, choices: [choice], usage }
    }

    fn chunk(&self, choices: Vec<ChunkChoice>, usage: Option<Usage>) -> ChatChunk {
        let (id, model) = (self.id.clone(), self.model.clone());
        ChatChunk { id, object: "chat.completion.chunk", created: self.created, model, choices, usage }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_have_the_shape_of_openai() {
        let usage = Usage { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5, extra: crate::engine::usage::Speed::default() };
        let mut reply = Reply::new(1, "m");
        let chunks = [reply.text("a"), reply.text("b"), reply.end(FinishReason::Length), reply.usage(usage)];
        let chunks = serde_json::to_value(&chunks).unwrap();
        let delta = |chunk: usize| chunks[chunk]["choices"][0]["delta"].clone();
        assert_eq!(delta(0), json!({"role": "assistant", "content": "a"}));
        assert_eq!(delta(1), json!({"content": "b"}));
        assert_eq!((delta(2), &chunks[2]["choices"][0]["finish_reason"]), (json!({}), &json!("length")));
        assert_eq!((&chunks[3]["choices"], &chunks[3]["usage"]["total_tokens"]), (&json!([]), &json!(5)));
        assert_eq!((&chunks[0]["object"], chunks[0].get("usage")), (&json!("chat.completion.chunk"), None));
        assert_eq!(chunks[0]["id"], chunks[3]["id"]);
        let whole = serde_json::to_value(reply.whole("ab", FinishReason::Stop, usage)).unwrap();
        assert_eq!(whole["object"], "chat.completion");
        assert_eq!(whole["choices"][0]["message"], json!({"role": "assistant", "content": "ab"}));
        assert_eq!(whole["choices"][0]["finish_reason"], "stop");
        assert_eq!(whole["usage"]["prompt_tokens"], 2);
    }
}
