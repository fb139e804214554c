//! The model as the engine sees it while it is measured: it can leave prompts out, and times what the host does.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tegula_plan::Row;

use crate::Result;
use crate::clock::seconds;
use crate::host::Resident;
use crate::model::budget::Memory;
use crate::model::forward::{Drawing, Entry, Forward, Read, Readback};
use crate::model::pools::Room;
use crate::model::step::{Model, Pending};

/// What is asked of a [`Subject`] and learnt from it, while the engine has it.
#[derive(Debug, Default)]
pub(super) struct Probe {
    /// Tokens of prompts of which only the last row is run.
    skipped: Cell<Option<u32>>,
    busy: Cell<f64>,
}

impl Probe {
    /// Lets prompts run whole.
    pub(super) fn run_prompts(&self) {
        self.skipped.set(None);
    }

    /// Leaves out all but the last row of prompts of so many tokens.
    pub(super) fn skip_prompts(&self, tokens: u32) {
        self.skipped.set(Some(tokens));
    }

    /// Seconds that submitting took (launch table, rows, encoding, submission) since this was last asked.
    pub(super) fn take_busy(&self) -> f64 {
        self.busy.take()
    }
}

/// A model with a probe at it.
pub(super) struct Subject {
    model: Rc<RefCell<Model>>,
    probe: Rc<Probe>,
    facts: tegula_plan::Model,
}

impl Subject {
    pub(super) fn new(model: Rc<RefCell<Model>>, probe: Rc<Probe>) -> Subject {
        let facts = model.borrow().facts().clone();
        Subject { model, probe, facts }
    }
}

impl Resident for Subject {
    fn memory(&self) -> Memory {
        self.model.borrow().memory().clone()
    }

    fn cached_tokens(&self) -> u32 {
        self.model.borrow().cached_tokens()
    }

    fn limit_cache(&mut self, tokens: u32) -> Result<()> {
        self.model.borrow_mut().limit_cache(tokens)
    }
}

impl Forward for Subject {
    type Pending = Pending;

    fn facts(&self) -> &tegula_plan::Model {
        &self.facts
    }

    fn max_rows(&self, entry: Entry) -> Option<u32> {
        self.model.borrow().max_rows(entry)
    }

    fn capacity(&self) -> u32 {
        self.model.borrow().capacity()
    }

    fn reserve(&mut self, sequence: u32, next: u32, tokens: u32) -> Room {
        self.model.borrow_mut().reserve(sequence, next, tokens)
    }

    #[expect(clippy::await_holding_refcell_ref, reason = "nobody else uses the model while it grows")]
    async fn grow(&mut self) -> Result<()> {
        self.model.borrow_mut().grow().await
    }

    fn forget(&mut self, sequence: u32, first: u32) {
        self.model.borrow_mut().forget(sequence, first);
    }

    fn release(&mut self, sequence: u32) {
        self.model.borrow_mut().release(sequence);
    }

    fn draw(&mut self, sequence: u32, drawing: Option<Drawing<'_>>) {
        self.model.borrow_mut().draw(sequence, drawing);
    }

    fn mixes(&self) -> bool {
        self.model.borrow().mixes()
    }

    fn submit(&mut self, entry: Entry, mut rows: &mut [Row], read: Read) -> Result<Pending> {
        if let (Entry::Prefill, Some(prompt), [.., last]) = (entry, self.probe.skipped.get(), &*rows) {
            if last.position + 1 < prompt {
                return Ok(Box::pin(std::future::ready(Ok(Readback::default()))));
            }
            let end = rows.len();
            rows = &mut rows[end - 1..];
        }
        let started = seconds();
        let pending = self.model.borrow_mut().submit(entry, rows, read);
        self.probe.busy.set(self.probe.busy.get() + seconds() - started);
        pending
    }
}
