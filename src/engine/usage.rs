//! Why an answer ended, and what it took.

use serde::Serialize;

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FinishReason {
    /// The model ended it, or a stop text did.
    Stop,
    /// It reached the most tokens, or the end of the context.
    Length,
    /// It was interrupted.
    Abort,
}

/// What a request took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer, with the one that ended it.
    pub completion_tokens: u32,
    /// Both.
    pub total_tokens: u32,
    /// How fast, under WebLLM's names.
    pub extra: Speed,
}

/// Speeds of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Speed {
    /// From the request to its end.
    pub e2e_latency_s: f64,
    /// From the request to the first token of the answer.
    pub time_to_first_token_s: f64,
    /// Between tokens of the answer, on average.
    pub time_per_output_token_s: f64,
    /// Tokens of the prompt by the time from its first step to the first token of the answer.
    pub prefill_tokens_per_s: f64,
    /// Tokens of the answer after the first, by the time they took.
    pub decode_tokens_per_s: f64,
}
