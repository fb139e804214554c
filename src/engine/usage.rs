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
    /// The model called tools.
    #[serde(rename = "tool_calls")]
    ToolCalls,
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
    /// Which of the prompt's were special.
    pub prompt_tokens_details: PromptDetails,
    /// Which of the answer's were special.
    pub completion_tokens_details: CompletionDetails,
    /// How fast, under WebLLM's names.
    pub extra: Speed,
}

/// Tokens of a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PromptDetails {
    /// Tokens that an earlier request had computed.
    pub cached_tokens: u32,
}

/// Tokens of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CompletionDetails {
    /// Tokens of the reasoning before the answer.
    pub reasoning_tokens: u32,
}

impl Usage {
    /// Adds what another answer to the same request took: its prompt too, unless that is the same one.
    pub(crate) fn add(&mut self, other: &Usage, shares_prompt: bool) {
        if !shares_prompt {
            self.prompt_tokens += other.prompt_tokens;
            self.prompt_tokens_details.cached_tokens += other.prompt_tokens_details.cached_tokens;
        }
        self.completion_tokens += other.completion_tokens;
        self.completion_tokens_details.reasoning_tokens += other.completion_tokens_details.reasoning_tokens;
        self.total_tokens = self.prompt_tokens + self.completion_tokens;
        self.extra.add(&other.extra);
    }
}

impl Speed {
    /// The speed of two answers side by side: from the first request to the last end, and tokens of both by the time.
    fn add(&mut self, other: &Speed) {
        self.e2e_latency_s = self.e2e_latency_s.max(other.e2e_latency_s);
        self.time_to_first_token_s = self.time_to_first_token_s.min(other.time_to_first_token_s);
        self.time_per_output_token_s = self.time_per_output_token_s.max(other.time_per_output_token_s);
        self.prefill_tokens_per_s = self.prefill_tokens_per_s.max(other.prefill_tokens_per_s);
        self.decode_tokens_per_s += other.decode_tokens_per_s;
    }
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
