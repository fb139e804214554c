//! What the engine needs of a model: rows in, sampled ids and logits out.
//!
//! [`crate::step::Model`] is the implementation that runs on a GPU. The engine's own tests use a small deterministic function instead, so
//! that scheduling is tested without a device.
//!
//! Steps run in the order of their submission, and so do the writes of page tables and rows that belong to them. The engine relies on that
//! when it submits a step before the ones ahead of it have been read back, and when it hands pages of a finished sequence to the next.

use std::future::Future;

use tegula_plan::Row;

use crate::Result;

/// What can be run: an entry of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A chunk of one sequence; logits of its last row.
    Prefill,
    /// One row of one sequence.
    Decode,
    /// One row each of several sequences.
    Batch,
    /// A chunk of one sequence; logits of every row.
    Score,
}

impl Entry {
    /// Its name in the plan.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Entry::Prefill => "prefill",
            Entry::Decode => "decode",
            Entry::Batch => "batch",
            Entry::Score => "score",
        }
    }
}

/// What to bring back from a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The sampled ids of all sequences.
    pub sampled: bool,
    /// The first so many rows of the logits.
    pub logits: u32,
}

impl Read {
    /// The sampled ids only: what greedy decoding needs.
    pub const SAMPLED: Read = Read { sampled: true, logits: 0 };
}

/// What a step brought back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readback {
    /// The id with the greatest logit for each sequence, by sequence number; empty if not asked for.
    pub sampled: Vec<u32>,
    /// `f32[rows][vocab_size]`; empty if not asked for.
    pub logits: Vec<f32>,
}

/// A model that is ready to run.
pub trait Forward {
    /// What a submitted step will bring back. It may be dropped without waiting for it.
    type Pending: Future<Output = Result<Readback>> + Unpin + 'static;

    /// Facts about the model.
    fn facts(&self) -> &tegula_plan::Model;

    /// The most rows of an entry, or nothing if the library does not have it.
    fn max_rows(&self, entry: Entry) -> Option<u32>;

    /// The most tokens of one sequence: the context window, or fewer where the memory budget does not hold it.
    fn capacity(&self) -> u32;

    /// Makes room in the cache for the first `tokens` positions of a sequence, numbered below `max_batch_size`. False if there are not
    /// enough free pages; then nothing has changed.
    ///
    /// # Errors
    /// Those of the device, when the cache has to grow.
    fn reserve(&mut self, sequence: u32, tokens: u32) -> Result<bool>;

    /// Says that no later row of the sequence looks at positions below `position`, so that their pages can be freed.
    fn forget(&mut self, sequence: u32, position: u32);

    /// Frees all pages of a sequence.
    fn release(&mut self, sequence: u32);

    /// Submits a step. `slot` of the rows is left for the model to fill in: it knows the pages. Positions must have been reserved.
    ///
    /// # Errors
    /// Those of the device and of the launch code; [`crate::ErrorKind::NoEntry`].
    fn submit(&mut self, entry: Entry, rows: &mut [Row], read: Read) -> Result<Self::Pending>;
}
