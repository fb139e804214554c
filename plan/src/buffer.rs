//! What dispatches bind.

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use crate::{DEEPEST, PAGE_SIZE, Plan, SAMPLING_MEMBERS, StepSize};

/// An array in the vectors arena.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// First element in the arena, in elements of f32; a multiple of 4, so that kernels may read `vec4f`.
    pub offset: u32,
    /// Number of elements.
    pub length: u32,
    /// Where the values come from.
    pub source: VectorSource,
}

/// What fills an array of the vectors arena.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorSource {
    /// A parameter, by index in [`Plan::params`], converted to f32.
    Param(u32),
    /// Values that the compiler worked out.
    Values(Vec<f32>),
}

/// Something that a dispatch binds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Buffer {
    /// A parameter, by index in [`Plan::params`], as stored; f32 is expanded from bf16. Padded with zeros to a multiple of 16 bytes.
    Weight(u32),
    /// All of [`Plan::vectors`], f32.
    Vectors,
    /// The KV cache of a layer; its size grows with the pages in use.
    Cache(u32),
    /// A [`Row`] for each row of the step, written by the host. Slots are those of the group of this number in [`crate::Model::state`].
    Rows(u32),
    /// `u32[max_batch_size + 1]`: the first row of each segment of the step ([`StepSize`]), then the row behind the last; written by the host.
    Segments,
    /// `u32[max_batch_size][pages_per_sequence]`: the page of a group's caches that holds each page of each sequence, written by the host.
    PageTable(u32),
    /// Scratch of `bytes` bytes at `offset` of the activation arena numbered `arena`. Buffers whose lives do not overlap share bytes.
    Activation {
        /// Which arena.
        arena: u32,
        /// First byte in the arena, a multiple of 256.
        offset: u64,
        /// Bytes.
        bytes: u64,
    },
    /// `f32[rows][vocab_size]`: logits of the rows that the entry asks for, read by the host.
    Logits {
        /// The most rows that any entry writes.
        rows: u32,
    },
    /// `u32[max_batch_size]`: for each sequence the id that was picked last, read by the host and by the next step's embedding. No id of the
    /// vocabulary where the logits were not numbers.
    Sampled,
    /// `[max_batch_size]` of [`SAMPLING_MEMBERS`]: how ids of each sequence are drawn, written by the host when it starts.
    Sampling,
    /// `u32[max_batch_size]`: one for each sequence that has more than [`crate::Model::stretched_after`] tokens, else zero. Written by the host
    /// when a sequence starts.
    Stretched,
    /// `[max_batch_size][vocab_size]` pairs of words: how often each sequence's answer has an id, and its bias (f32). Set by the host when a
    /// sequence starts; the kernels go on counting.
    Tokens,
}

/// What the host says of a row of a step. Sixteen bytes, little-endian words in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Row {
    /// Token id, or [`Row::SAMPLED`] for the id that the last step sampled for this sequence.
    pub token: u32,
    /// Position in the sequence, from 0.
    pub position: u32,
    /// Where its key and value go in the caches of a group: page times [`PAGE_SIZE`] plus the place in the page.
    pub slot: u32,
    /// Row of the page table, and of the sampled ids.
    pub sequence: u32,
}

impl Row {
    /// A token that only the GPU knows yet.
    pub const SAMPLED: u32 = u32::MAX;

    /// Names of the words, in order. Kernels get a struct of them, `Row`.
    pub const MEMBERS: [&str; 4] = ["token", "position", "slot", "sequence"];

    /// The words as the GPU reads them.
    #[must_use]
    pub fn words(self) -> [u32; 4] {
        [self.token, self.position, self.slot, self.sequence]
    }
}

/// A range of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Index in [`Plan::buffers`].
    pub buffer: u32,
    /// First byte; a multiple of 256.
    pub offset: u64,
    /// Bytes; zero for all that follow.
    pub size: u64,
}
