//! Why an answer ended, and what it took.

use serde::{Serialize, Serializer};

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
    #[serde(serialize_with = "number")]
    pub e2e_latency_s: f64,
    /// From the request to the first token of the answer.
    #[serde(serialize_with = "number")]
    pub time_to_first_token_s: f64,
    /// Between tokens of the answer, on average.
    #[serde(serialize_with = "number")]
    pub time_per_output_token_s: f64,
    /// Tokens of the prompt by the time from its first step to the first token of the answer.
    #[serde(serialize_with = "number")]
    pub prefill_tokens_per_s: f64,
    /// Tokens of the answer after the first, by the time they took.
    #[serde(serialize_with = "number")]
    pub decode_tokens_per_s: f64,
}

/// Writes a number as JavaScript would, so that JSON that went through a page is the same bytes.
fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match *value {
        value if value.fract() == 0.0 && value.abs() < 1e15 => serializer.serialize_i64(value as i64),
        // JavaScript writes these without an exponent.
        value if value.abs() < 1e-5 => serializer.serialize_u64(0),
        value => serializer.serialize_f64(value),
    }
}
