//! What is measured, and what comes of it.

use super::Gaps;
use serde::{Deserialize, Serialize};

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Workload {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of each sequence to decode after it.
    pub decode_tokens: u32,
    /// Rounds, after one that warms up.
    pub repetitions: u32,
    /// Sequences that are decoded together.
    #[serde(default = "alone")]
    pub batch: u32,
    /// Steps under way at once, where not as many as the engine would have.
    #[serde(default)]
    pub run_ahead: Option<usize>,
    /// Draws the ids of answers so instead of taking the likeliest.
    #[serde(default)]
    pub drawing: Option<Drawn>,
    /// Also measures how long a stream waits for tokens while a prompt of so many tokens runs beside it.
    #[serde(default)]
    pub beside: Option<u32>,
}

/// How ids are drawn that are not the likeliest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// Divides the logits.
    pub temperature: f32,
    /// Share of the likeliest ids that are drawn among.
    pub top_p: f32,
}

fn alone() -> u32 {
    1
}

impl Workload {
    /// Tokens that each sequence of the batch may come to, where prompts run in chunks of so many rows.
    pub(super) fn tokens(&self, chunk: u32) -> u64 {
        u64::from(self.prompt_tokens) + u64::from(self.answer(chunk))
    }

    /// Tokens of the longest answer. The first sequence to start is ahead of the last by a token for each chunk and step between.
    pub(super) fn answer(&self, chunk: u32) -> u32 {
        let ahead = self.batch.saturating_sub(1).saturating_mul(2 * self.prompt_tokens.div_ceil(chunk.max(1)));
        self.decode_tokens.saturating_add(1).saturating_add(ahead)
    }
}

/// What was measured. Speeds are medians.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The adapter's name.
    pub adapter: String,
    /// The API it is driven through.
    pub backend: String,
    /// Its driver, as it calls itself.
    pub driver: String,
    /// Model family.
    pub architecture: String,
    /// How its weights are stored.
    pub quantization: String,
    /// The device class whose kernels ran.
    pub variant: String,
    /// The type of activations in matrix multiplications of many rows: `float` or `int8`.
    pub activations: &'static str,
    /// As asked.
    pub prompt_tokens: u32,
    /// As asked.
    pub decode_tokens: u32,
    /// As asked.
    pub repetitions: u32,
    /// As asked.
    pub batch: u32,
    /// Steps under way at once.
    pub run_ahead: usize,
    /// As asked; none where the likeliest ids were taken.
    pub drawing: Option<Drawn>,
    /// Tokens of the prompt over the time to the first token.
    pub prefill_tokens_per_second: f64,
    /// Tokens after the first of each sequence, of all sequences together, over the time that they took.
    pub decode_tokens_per_second: f64,
    /// Kernel launches of a decode step, which brings a token of each sequence.
    pub dispatches_per_step: usize,
    /// The least that a step reads: the weights once, and the cache of each sequence at the middle of its answer.
    pub bytes_per_step: u64,
    /// What a plain stream reads, measured in the same run.
    pub stream_bytes_per_second: f64,
    /// Bytes a second that decoding reads, as a part of the stream's.
    pub fraction_of_stream: f64,
    /// The part of a decode step's time that the host is busy.
    pub host_share: f64,
    /// Bytes of all weights on the GPU.
    pub weights_bytes: u64,
    /// A stream with a long prompt beside it, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gaps: Option<Gaps>,
}
