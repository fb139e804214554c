//! What the engine needs of a model: rows in, sampled ids and logits out.
//!
//! [`crate::model::step::Model`] is the implementation that runs on a GPU. The engine's own tests use a small deterministic function
//! instead, so that scheduling is tested without a device.
//!
//! Steps run in the order of their submission, and so do the uploads of page tables and rows that belong to them. The engine relies on that
//! when it submits a step before earlier ones have been read back, and when it gives pages of a finished sequence to the next.

use std::future::Future;

use futures::future::LocalBoxFuture;

use std::collections::BTreeMap;

use tegula_plan::{Row, SAMPLING_WORDS};

use crate::Result;
use crate::model::pools::{Block, Room};
use crate::sampler::Sampling;

/// What can be run: an entry of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// Rows of prompts, neighbouring positions of each together, then one row each of other sequences; logits of the last [`Read::rows`].
    Prefill,
    /// One row of one sequence.
    Decode,
    /// One row each of several sequences.
    Batch,
    /// Neighbouring positions of one sequence; logits of every row.
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

    /// The entry of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Entry> {
        [Entry::Prefill, Entry::Decode, Entry::Batch, Entry::Score].into_iter().find(|entry| entry.name() == name)
    }
}

/// What a step makes of its logits, and brings back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The ids with the greatest logit.
    pub greatest: bool,
    /// Ids drawn for the sequences that the model was told of with [`Forward::draw`].
    pub drawn: bool,
    /// How many rows have their logits read back, counted from the first row that gets logits. Logits of rows whose ids are drawn are of no
    /// use: kernels may have applied penalties to them.
    pub logits: u32,
    /// How many rows of a [`Entry::Prefill`] step get logits: the last so many, one at least, each of another sequence. In other entries it
    /// is all rows.
    pub rows: u32,
}

impl Read {
    /// The greatest ids only: what greedy decoding needs.
    pub const GREATEST: Read = Read { greatest: true, drawn: false, logits: 0, rows: 1 };

    /// The logits of the first so many rows that get some.
    #[must_use]
    pub fn logits(rows: u32) -> Read {
        Read { greatest: false, drawn: false, logits: rows, rows: 1 }
    }

    /// Whether it brings ids back.
    #[must_use]
    pub fn ids(self) -> bool {
        self.greatest || self.drawn
    }
}

/// How to draw the ids of a sequence on the GPU.
#[derive(Clone, Copy, Debug)]
pub struct Drawing<'a> {
    /// How.
    pub sampling: &'a Sampling,
    /// How often the answer has each id so far; from then on the model counts.
    pub counts: &'a BTreeMap<u32, u32>,
    /// Ids from here on are never drawn.
    pub active: u32,
}

impl Drawing<'_> {
    /// The words of [`tegula_plan::SAMPLING_MEMBERS`].
    #[must_use]
    pub fn words(&self) -> [u32; SAMPLING_WORDS] {
        let &Sampling { temperature, top_p, top_k, seed, presence_penalty, frequency_penalty, repetition_penalty, .. } = self.sampling;
        // GPUs need not know numbers that are smaller, nor divide by larger ones.
        let temperature = if self.sampling.is_greedy() { 0.0 } else { temperature.clamp(1e-30, 1e30) };
        let top_k = if top_k < self.active { top_k } else { 0 };
        let [temperature, top_p, presence, frequency, repetition] =
            [temperature, top_p, presence_penalty, frequency_penalty, repetition_penalty].map(f32::to_bits);
        let adjusts = u32::from(self.sampling.adjusts());
        let (deepest, seed) = (self.sampling.deepest(), [seed as u32, (seed >> 32) as u32]);
        [1, adjusts, self.active, temperature, top_p, top_k, deepest, presence, frequency, repetition, seed[0], seed[1]]
    }

    /// The words of [`tegula_plan::Buffer::Tokens`] for a sequence.
    #[must_use]
    pub fn tokens(&self, vocab: u32) -> Vec<[u32; 2]> {
        let mut tokens = vec![[0; 2]; vocab as usize];
        for (&id, &count) in self.counts {
            if let Some(token) = tokens.get_mut(id as usize) {
                token[0] = count;
            }
        }
        for &(id, bias) in &self.sampling.logit_bias {
            if let Some(token) = tokens.get_mut(id as usize) {
                // An id may be named more than once.
                token[1] = (f32::from_bits(token[1]) + bias).to_bits();
            }
        }
        tokens
    }
}

/// What a step brought back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readback {
    /// The id that was picked for each sequence, by sequence number; empty if not asked for. None of the vocabulary where there was nothing
    /// to pick, because logits were not numbers.
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

    /// Whether a [`Entry::Prefill`] step takes rows of several sequences, and computes all of them as precisely as steps without prompts do.
    fn mixes(&self) -> bool;

    /// The most tokens of one sequence: the context window, or fewer where the memory budget does not hold it.
    fn capacity(&self) -> u32;

    /// Makes room in the caches for the positions of a sequence below `tokens`, of which those below `next` are submitted next. Sequences are
    /// numbered below `max_batch_size`. Layers that look back over a window get room for what is next only. Unless it is
    /// [`Room::Ready`], nothing has changed.
    fn reserve(&mut self, sequence: u32, next: u32, tokens: u32) -> Room;

    /// Lets the caches grow to what [`Forward::reserve`] wanted. Where the device has no memory for that, they stay as they are, and
    /// [`Forward::reserve`] says [`Room::Full`] to as much from then on. It can be dropped while it waits, and is dropped whenever it does:
    /// the next call goes on where this one stood.
    ///
    /// # Errors
    /// Those of the device.
    fn grow(&mut self) -> LocalBoxFuture<'_, Result<()>>;

    /// Makes room for the positions of a sequence below `tokens`, and waits while the caches grow. False if there are not enough pages.
    ///
    /// # Errors
    /// Those of the device.
    fn room(&mut self, sequence: u32, tokens: u32) -> impl Future<Output = Result<bool>>
    where
        Self: Sized,
    {
        async move {
            loop {
                match self.reserve(sequence, tokens, tokens) {
                    Room::Ready => return Ok(true),
                    Room::Full => return Ok(false),
                    Room::Grow => self.grow().await?,
                }
            }
        }
    }

    /// Says that no row of the sequence before position `first` is to come, so that pages that no later row sees can be freed.
    fn forget(&mut self, sequence: u32, first: u32);

    /// Frees all pages of a sequence.
    fn release(&mut self, sequence: u32);

    /// What a sequence holds for its tokens from `index` times [`tegula_plan::PAGE_SIZE`] on. It stays when the sequence is released.
    fn keep(&mut self, sequence: u32, index: usize) -> Block;

    /// Lets go of what [`Forward::keep`] gave.
    fn free(&mut self, block: &[Option<u32>]);

    /// Lets a sequence that holds nothing begin with what others computed. Its rows go on behind that.
    fn adopt(&mut self, sequence: u32, blocks: &[Block]);

    /// Says how ids of a sequence are drawn in the steps submitted from now on; nothing if they are not.
    fn draw(&mut self, sequence: u32, drawing: Option<Drawing<'_>>);

    /// Says whether a sequence has more tokens than [`tegula_plan::Model::stretched_after`], for the steps submitted from now on. Its caches
    /// hold nothing that was computed otherwise.
    fn stretch(&mut self, sequence: u32, stretched: bool);

    /// Submits a step. `slot` of the rows is left for the model to fill in: it knows the pages. Positions must have been reserved.
    ///
    /// # Errors
    /// Those of the device and of the launch code; [`crate::ErrorKind::NoEntry`].
    fn submit(&mut self, entry: Entry, rows: &mut [Row], read: Read) -> Result<Self::Pending>;
}
