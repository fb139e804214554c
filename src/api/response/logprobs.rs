//! Log probabilities, as each of the two APIs writes them.

use serde::Serialize;
use serde_json::Map;

use crate::engine::logprobs::{Logprobs, TokenLogprob};

/// Those of a chat completion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatLogprobs {
    /// Of each token, in order.
    pub content: Vec<ChatLogprob>,
    /// Always null.
    pub refusal: Option<String>,
}

/// A token of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatLogprob {
    /// The token and how likely it was.
    #[serde(flatten)]
    pub token: ChatToken,
    /// The likeliest tokens in its place, the likeliest first.
    pub top_logprobs: Vec<ChatToken>,
}

/// A token that was possible.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatToken {
    /// Its text. What is a part of a character has U+FFFD in its place.
    pub token: String,
    /// The natural logarithm of its probability.
    pub logprob: f32,
    /// Its text, as UTF-8.
    pub bytes: Vec<u8>,
}

impl ChatLogprobs {
    /// Those of an answer's tokens.
    #[must_use]
    pub fn new(tokens: &[Logprobs]) -> ChatLogprobs {
        let token = |token: &TokenLogprob| ChatToken {
            token: String::from_utf8_lossy(&token.bytes).into_owned(),
            logprob: token.logprob,
            bytes: token.bytes.clone(),
        };
        let content =
            tokens.iter().map(|one| ChatLogprob { token: token(&one.chosen), top_logprobs: one.top.iter().map(token).collect() }).collect();
        ChatLogprobs { content, refusal: None }
    }
}

/// Those of a completion. All lists have an entry for each token.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompletionLogprobs {
    /// Characters of the answer before the token.
    pub text_offset: Vec<usize>,
    /// The natural logarithms of the tokens' probabilities.
    pub token_logprobs: Vec<f32>,
    /// Texts of the tokens.
    pub tokens: Vec<String>,
    /// The likeliest tokens in the place of each, and the token itself, from text to log probability.
    pub top_logprobs: Vec<Map<String, serde_json::Value>>,
}

impl CompletionLogprobs {
    /// Those of tokens that come after so many characters.
    pub(super) fn new(tokens: &[Logprobs], mut offset: usize) -> CompletionLogprobs {
        let mut all = CompletionLogprobs { text_offset: vec![], token_logprobs: vec![], tokens: vec![], top_logprobs: vec![] };
        for Logprobs { chosen, top } in tokens {
            all.text_offset.push(offset);
            all.token_logprobs.push(chosen.logprob);
            all.tokens.push(spelled(&chosen.bytes));
            // The chosen one comes last, unless it is among the likeliest.
            all.top_logprobs.push(top.iter().chain([chosen]).map(|token| (spelled(&token.bytes), token.logprob.into())).collect());
            offset += String::from_utf8_lossy(&chosen.bytes).chars().count();
        }
        all
    }
}

/// The text of a token. Bytes that are no text are written as OpenAI's completions API does, such as `bytes:\xe2\x80`.
fn spelled(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().fold("bytes:".to_owned(), |text, byte| format!("{text}\\x{byte:02x}")),
    }
}
