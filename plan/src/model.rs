//! Facts about a model.

use crate::{Fingerprint, PAGE_SIZE, Paged, State};
use serde::{Deserialize, Serialize};

/// Facts about the model that the runtime needs to serve it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Model family, such as `llama`.
    pub architecture: String,
    /// Quantization, such as `q4f16_1`.
    pub quantization: String,
    /// Rows of the logits.
    pub vocab_size: u32,
    /// Width of the residual stream.
    pub hidden_size: u32,
    /// Decoder layers.
    pub layers: u32,
    /// Query heads.
    pub query_heads: u32,
    /// The most tokens of one sequence, prompt and answer together.
    pub context_window_size: u32,
    /// What it keeps of each sequence, in groups of layers that keep it alike. Groups are numbered in this order.
    pub state: Vec<State>,
    /// The most rows of a `prefill` step.
    pub prefill_chunk_size: u32,
    /// The most sequences of a step, and rows of the page table.
    pub max_batch_size: u32,
    /// What the library was compiled for. A variant may do better: see [`Variant::activations`].
    pub activations: Activations,
    /// How many tokens a sequence may have before all of its positions are rotated in another way. What its caches hold is computed again
    /// then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stretched_after: Option<u32>,
    /// What the model computes beyond shapes. A package that says otherwise is another model's.
    #[serde(default, skip_serializing_if = "Fingerprint::is_empty")]
    pub fingerprint: Fingerprint,
}

impl Model {
    /// The groups whose state is kept in pages, by number.
    pub fn paged(&self) -> impl Iterator<Item = &Paged> {
        self.state.iter().map(|State::Paged(paged)| paged)
    }

    /// The group that a layer's cache is in.
    #[must_use]
    pub fn group_of(&self, layer: u32) -> Option<usize> {
        self.paged().position(|paged| paged.layers.contains(&layer))
    }

    /// Bytes that one token takes in the caches of all layers, while every layer holds it.
    #[must_use]
    pub fn cache_bytes_per_token(&self) -> u64 {
        self.paged().map(|paged| paged.bytes_per_token() * paged.layers.len() as u64).sum()
    }

    /// Entries in a sequence's row of the page table.
    #[must_use]
    pub fn pages_per_sequence(&self) -> u32 {
        self.context_window_size.div_ceil(PAGE_SIZE)
    }
}

/// The type of activations in matrix multiplications of many rows. It is a precision of its own: docs/performance.md says what it costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activations {
    /// Floating-point numbers.
    #[default]
    Float,
    /// Signed bytes in groups, each with a scale: inside the layers, for prompts.
    Int8,
}

impl Activations {
    /// Its name in libraries and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Activations::Float => "float",
            Activations::Int8 => "int8",
        }
    }
}
