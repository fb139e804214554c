//! The model under measurement, as the engine sees it. It can leave prompts out, and it times what the host does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tegula_plan::Row;

use crate::Result;
use crate::clock::seconds;
use crate::host::Resident;
use crate::model::budget::Memory;
use crate::model::forward::{Drawing, Entry, Forward, Read, Readback};
use crate::model::pools::{Block, Room};
use crate::model::step::{Model, Pending};

/// What is asked of a [`Subject`] and learnt from it, while the engine has it.
#[derive(Debug, Default)]
pub(super) struct Probe {
    /// Tokens of prompts of which only the last row is run.
    skipped: Mutex<Option<u32>>,
    busy: Mutex<f64>,
}

/// A model that the measurement and its host's engine both use, in turns.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Model>>);

impl Shared {
    #[cfg_attr(target_arch = "wasm32", expect(clippy::arc_with_non_send_sync, reason = "a page has one thread"))]
    pub(super) fn new(model: Model) -> Shared {
        Shared(Arc::new(Mutex::new(model)))
    }

    /// The model. Whoever has it gives it back before anybody else asks.
    pub(super) fn get(&self) -> MutexGuard<'_, Model> {
        lock(&self.0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Probe {
    /// Lets prompts run whole.
    pub(super) fn run_prompts(&self) {
        *lock(&self.skipped) = None;
    }

    /// Leaves out all but the last row of prompts of so many tokens.
    pub(super) fn skip_prompts(&self, tokens: u32) {
        *lock(&self.skipped) = Some(tokens);
    }

    /// Seconds that submitting took (launch table, rows, encoding, submission) since this was last asked.
    pub(super) fn take_busy(&self) -> f64 {
        std::mem::take(&mut *lock(&self.busy))
    }
}

/// A model with a probe at it.
pub(super) struct Subject {
    model: Shared,
    probe: Arc<Probe>,
    facts: tegula_plan::Model,
}

impl Subject {
    pub(super) fn new(model: Shared, probe: Arc<Probe>) -> Subject {
        let facts = model.get().facts().clone();
        Subject { model, probe, facts }
    }
}

impl Resident for Subject {
    fn memory(&self) -> Memory {
        self.model.get().memory().clone()
    }

    fn fingerprint(&self) -> String {
        self.model.get().fingerprint().to_owned()
    }

    fn cached_tokens(&self) -> u32 {
        self.model.get().cached_tokens()
    }

    fn limit_cache(&mut self, tokens: u32) -> Result<()> {
        self.model.get().limit_cache(tokens)
    }
}

impl Forward for Subject {
    type Pending = Pending;

    fn facts(&self) -> &tegula_plan::Model {
        &self.facts
    }

    fn max_rows(&self, entry: Entry) -> Option<u32> {
        self.model.get().max_rows(entry)
    }

    fn capacity(&self) -> u32 {
        self.model.get().capacity()
    }

    fn reserve(&mut self, sequence: u32, next: u32, tokens: u32) -> Room {
        self.model.get().reserve(sequence, next, tokens)
    }

    #[expect(clippy::await_holding_lock, reason = "nobody else uses the model while it grows")]
    fn grow(&mut self) -> LocalBoxFuture<'_, Result<()>> {
        async { self.model.get().grow().await }.boxed_local()
    }

    fn forget(&mut self, sequence: u32, first: u32) {
        self.model.get().forget(sequence, first);
    }

    fn release(&mut self, sequence: u32) {
        self.model.get().release(sequence);
    }

    fn keep(&mut self, sequence: u32, index: usize) -> Block {
        self.model.get().keep(sequence, index)
    }

    fn free(&mut self, block: &[Option<u32>]) {
        self.model.get().free(block);
    }

    fn adopt(&mut self, sequence: u32, blocks: &[Block]) {
        self.model.get().adopt(sequence, blocks);
    }

    fn draw(&mut self, sequence: u32, drawing: Option<Drawing<'_>>) {
        self.model.get().draw(sequence, drawing);
    }

    fn stretch(&mut self, sequence: u32, stretched: bool) {
        self.model.get().stretch(sequence, stretched);
    }

    fn mixes(&self) -> bool {
        self.model.get().mixes()
    }

    fn submit(&mut self, entry: Entry, mut rows: &mut [Row], read: Read) -> Result<Pending> {
        if let (Entry::Prefill, Some(prompt), [.., last]) = (entry, *lock(&self.probe.skipped), &*rows) {
            if last.position + 1 < prompt {
                return Ok(Box::pin(std::future::ready(Ok(Readback::default()))));
            }
            let end = rows.len();
            rows = &mut rows[end - 1..];
        }
        let started = seconds();
        let pending = self.model.get().submit(entry, rows, read);
        *lock(&self.probe.busy) += seconds() - started;
        pending
    }
}
