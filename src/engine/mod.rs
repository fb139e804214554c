//! The engine: it runs requests on a model, step by step.
//!
//! [`Engine::step`] submits one step at a time to the model. A step has one row of each sequence that is past its prompt, and rows of
//! prompts beside them. The number of prompt rows is limited, so that a long prompt slows other answers only by its share.
//!
//! A page learns late that a step is done, some milliseconds after the GPU finished it. So the engine runs ahead: up to
//! [`Engine::set_run_ahead`] steps are under way at once. The GPU picks each id, and the embedding of the next row reads it there
//! ([`Row::SAMPLED`]). If an answer turns out to have ended, the rows that were submitted beyond its end are forgotten. Steps run in order,
//! so the next owner of the sequence's pages overwrites what those rows wrote before it reads anything.
//!
//! The choice of an id depends only on ids and positions. So an answer depends neither on how far the engine runs ahead nor on other
//! requests.
//!
//! If pages run out, the youngest sequence gives up its own. It starts over later, from all tokens that it has.

use std::collections::VecDeque;
use std::sync::Arc;

use tegula_plan::Row;

use crate::Result;
use crate::engine::intake::Intake;
use crate::engine::pace::Pace;
use crate::engine::prefix::Prefixes;
use crate::engine::request::{Event, RequestId};
use crate::engine::sequence::{Pick, Sequence};
use crate::model::forward::{Entry, Forward};
use crate::model::step::Model;
use crate::sampler::Sampler;

mod compose;
mod constraint;
pub mod intake;
pub mod logprobs;
mod pace;
mod prefix;
pub mod request;
mod reuse;
mod schedule;
mod score;
pub(crate) mod sequence;
mod settle;
pub mod stop;
mod thinking;
pub mod usage;

/// What an engine has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Steps submitted.
    pub steps: u64,
    /// Rows of them that were of prompts.
    pub prefilled: u64,
    /// Tokens of prompts that needed no rows, because the caches held them already.
    pub cached: u64,
    /// Rows of them that held one token of a sequence.
    pub decoded: u64,
    /// Rows of them that came to nothing, because the engine had run ahead of the end of an answer.
    pub discarded: u64,
}

/// Runs requests on a model.
pub struct Engine<M: Forward = Model> {
    model: M,
    intake: Arc<Intake>,
    /// Ids that end an answer.
    eos: Vec<u32>,
    waiting: VecDeque<Sequence>,
    /// In the order of their admission.
    running: Vec<Sequence>,
    /// Rows of the page table that no sequence has.
    slots: Vec<u32>,
    /// What the caches hold of earlier sequences.
    prefixes: Prefixes,
    /// Whether sequences begin with that.
    reuses: bool,
    flights: VecDeque<Flight<M::Pending>>,
    run_ahead: usize,
    /// Whether somebody waits for larger caches.
    grows: bool,
    /// Whether rows of prompts share steps with rows of sequences that decode.
    mixing: bool,
    /// Rows of prompts beside such sequences, where that is settled.
    prompt_share: Option<usize>,
    pace: Pace,
    /// Whether the last step had rows of prompts, so that others are next where they do not share steps.
    chunk_was_last: bool,
    /// Requests that are to end at the next step.
    interrupted: Vec<RequestId>,
    /// Events that were not returned yet.
    events: Vec<Event>,
    counters: Counters,
    // Scratch.
    sampler: Sampler,
    rows: Vec<Row>,
    spare: Vec<Vec<Mark>>,
}

/// A step that is under way.
struct Flight<P> {
    pending: P,
    /// Whose next id it brings. None where all rows are in the middle of prompts.
    marks: Vec<Mark>,
    /// Rows of prompts.
    prompt: usize,
    /// When it was submitted, in seconds.
    submitted: f64,
}

/// A sequence whose next id a step brings.
#[derive(Clone, Copy)]
struct Mark {
    request: RequestId,
    epoch: u32,
    slot: u32,
    /// Who picks it.
    pick: Pick,
    /// Row of the logits, if they are read back.
    logits: Option<usize>,
}

/// Steps under way at once, unless set. A native process is told of a step's end within a step. A page is told late, so it needs more:
/// docs/performance.md has the figures.
pub(crate) const RUN_AHEAD: usize = if cfg!(target_arch = "wasm32") { 6 } else { 2 };

impl<M: Forward> Engine<M> {
    /// Makes an engine of a model and of what requests to it are checked against.
    #[must_use]
    pub(crate) fn new(model: M, intake: Arc<Intake>) -> Engine<M> {
        let eos = intake.end_ids();
        let sequences = model.max_rows(Entry::Batch).unwrap_or(1).min(model.facts().max_batch_size).max(1);
        let prefixes = Prefixes::new(model.facts().paged().map(|group| group.window).collect());
        Engine {
            model,
            intake,
            eos,
            waiting: VecDeque::new(),
            running: Vec::new(),
            slots: (0..sequences).rev().collect(),
            prefixes,
            reuses: true,
            flights: VecDeque::new(),
            run_ahead: RUN_AHEAD,
            grows: false,
            mixing: true,
            prompt_share: None,
            pace: Pace::default(),
            chunk_was_last: false,
            interrupted: Vec::new(),
            events: Vec::new(),
            counters: Counters::default(),
            sampler: Sampler::default(),
            rows: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// How many steps may be under way at once, 1 at least. It changes the speed only.
    pub fn set_run_ahead(&mut self, steps: usize) {
        self.run_ahead = steps.max(1);
    }

    /// Whether rows of prompts share steps with rows of sequences that decode, as they do at first. Otherwise chunks of prompts and rows take
    /// turns. It changes the speed only.
    pub fn set_mixing(&mut self, mixing: bool) {
        self.mixing = mixing;
    }

    /// How many rows of prompts a step may have while other sequences decode. By default it goes by how long steps take. It changes the speed
    /// only.
    pub fn set_prompt_share(&mut self, rows: Option<usize>) {
        self.prompt_share = rows;
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The model, to change what its cache may hold.
    pub(crate) fn model_mut(&mut self) -> &mut M {
        &mut self.model
    }

    /// What requests are checked against.
    #[must_use]
    pub fn intake(&self) -> &Arc<Intake> {
        &self.intake
    }

    /// What was done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// Ends a request at the next step, with [`FinishReason::Abort`](usage::FinishReason::Abort). Nothing happens if it has ended.
    pub fn interrupt(&mut self, request: RequestId) {
        self.interrupted.push(request);
    }

    /// Takes a request that was checked, to be run by [`Engine::step`].
    pub(crate) fn enqueue(&mut self, sequence: Sequence) {
        let place = self.waiting.iter().position(|other| other.priority > sequence.priority);
        self.waiting.insert(place.unwrap_or(self.waiting.len()), sequence);
    }

    /// Runs one step and tells what it brought; nothing if there is nothing to do. It can be dropped while it waits: no token is lost.
    ///
    /// # Errors
    /// Those of the device. Then all requests are gone. What concerns a single request is a [`request::EventKind::Failed`].
    pub(crate) async fn step(&mut self) -> Result<Vec<Event>> {
        match self.advance().await {
            Ok(()) => Ok(std::mem::take(&mut self.events)),
            Err(error) => {
                self.abandon();
                Err(error)
            }
        }
    }

    async fn advance(&mut self) -> Result<()> {
        self.end_interrupted();
        while self.flights.front().is_some_and(|flight| self.is_stale(flight)) {
            self.land(None);
        }
        self.start_outgrown_over();
        loop {
            self.admit();
            while !self.grows && self.flights.len() < self.run_ahead && self.submit_step()? {}
            if !std::mem::take(&mut self.grows) {
                break;
            }
            self.model.grow().await?;
            // Where the device had no memory, sequences can be no longer than what there is.
            self.intake.set_capacity(self.model.capacity());
        }
        self.prepare_masks();
        let Some(flight) = self.flights.front_mut() else { return Ok(()) };
        let readback = (&mut flight.pending).await?;
        self.land(Some(readback));
        Ok(())
    }

    /// Forgets all requests.
    pub(crate) fn abandon(&mut self) {
        self.flights.clear();
        self.events.clear();
        self.waiting.clear();
        while !self.running.is_empty() {
            self.leave(self.running.len() - 1);
        }
        self.forget_prefixes();
    }
}

/// A row whose place in the cache the model fills in.
fn row(token: u32, position: usize, slot: u32) -> Row {
    Row { token, position: position as u32, slot: 0, sequence: slot }
}

#[cfg(test)]
mod constraint_tests;
#[cfg(test)]
mod direct;
#[cfg(test)]
mod drawn_tests;
#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod interrupt_tests;
#[cfg(test)]
mod mixed_tests;
#[cfg(test)]
mod reuse_tests;
#[cfg(test)]
mod tests;
