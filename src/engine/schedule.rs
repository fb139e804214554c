//! The engine's schedule: who runs, what is submitted next, and what becomes of what steps bring.

use super::{Engine, Flight, Mark, row};
use crate::engine::request::{Event, EventKind, RequestId};
use crate::engine::sequence::{Next, Pick, Sequence};
use crate::engine::usage::FinishReason;
use crate::model::forward::{Entry, Forward, Read, Readback};
use crate::{Error, ErrorKind, Result};

impl<M: Forward> Engine<M> {
    /// Lets waiting requests run while there are slots and pages for them.
    pub(super) fn admit(&mut self) {
        while !self.waiting.is_empty() && !self.slots.is_empty() {
            let (Some(mut sequence), Some(slot)) = (self.waiting.pop_front(), self.slots.pop()) else { return };
            // With a sliding window, room for a chunk is enough: it makes the rest.
            let most = match self.model.facts().sliding_window {
                Some(_) => self.prefill_rows(),
                None => usize::MAX,
            };
            match self.make_room(slot, 0, 0, sequence.ids.len().min(most)) {
                Ok(()) => {
                    sequence.start(slot);
                    self.model.draw(slot, sequence.drawing(self.active()));
                    self.running.push(sequence);
                    continue;
                }
                Err(error) if self.running.is_empty() => self.fail(sequence.id, error),
                Err(_) => self.waiting.push_front(sequence),
            }
            self.slots.push(slot);
            if !self.running.is_empty() {
                return;
            }
        }
    }

    /// Ids from here on are padding.
    fn active(&self) -> u32 {
        self.intake.active_vocab()
    }

    pub(super) fn prefill_rows(&self) -> usize {
        self.model.max_rows(Entry::Prefill).unwrap_or(1).max(1) as usize
    }

    /// Frees the pages that rows from `known` on do not see, and makes room for positions up to `tokens`. `known` is what the sequence could
    /// be taken back to.
    pub(super) fn make_room(&mut self, slot: u32, known: usize, submitted: usize, tokens: usize) -> Result<()> {
        if let Some(window) = self.model.facts().sliding_window {
            let first = known.min(submitted) as u32;
            self.model.forget(slot, (first + 1).saturating_sub(window));
        }
        if self.model.reserve(slot, tokens as u32)? {
            return Ok(());
        }
        let bytes = self.model.facts().cache_bytes_per_token();
        let advice = "allow more memory, or ask for less at once";
        let what = format!("the KV cache of {}", tegula_plan::count(tokens, "token"));
        Err(ErrorKind::Budget { what, needed: bytes * tokens as u64, available: bytes * u64::from(self.model.capacity()), advice }.into())
    }

    /// Makes room for a running sequence, where needed at the cost of the youngest. False if that is itself.
    pub(super) fn room_for(&mut self, index: usize, tokens: usize) -> bool {
        loop {
            let sequence = &self.running[index];
            let (slot, known, submitted) = (sequence.slot, sequence.ids.len() - 1, sequence.submitted);
            match self.make_room(slot, known, submitted, tokens) {
                Ok(()) => return true,
                Err(error) if self.running.len() == 1 => {
                    let failed = self.leave(index);
                    self.fail(failed.id, error);
                    return false;
                }
                Err(_) => {
                    let youngest = self.running.len() - 1;
                    let mut sequence = self.leave(youngest);
                    tracing::debug!(request = sequence.id.0, "pages ran out: the youngest request starts over");
                    sequence.rewind(0);
                    self.waiting.push_front(sequence);
                    if youngest == index {
                        return false;
                    }
                }
            }
        }
    }

    /// Takes a sequence out of those that run, and frees what it holds.
    pub(super) fn leave(&mut self, index: usize) -> Sequence {
        let sequence = self.running.remove(index);
        self.model.release(sequence.slot);
        self.slots.push(sequence.slot);
        sequence
    }

    /// Submits a chunk or rows. False if there is nothing that can be.
    pub(super) fn submit_step(&mut self) -> Result<bool> {
        let rows_first = self.chunk_was_last;
        let submitted = rows_first && self.submit_rows()? || self.submit_chunk()? || !rows_first && self.submit_rows()?;
        self.counters.steps += u64::from(submitted);
        Ok(submitted)
    }

    /// Submits the next chunk of the oldest sequence that has one.
    pub(super) fn submit_chunk(&mut self) -> Result<bool> {
        let has_chunk = |sequence: &Sequence| matches!(sequence.next(), Next::Chunk(_));
        let Some(index) = self.running.iter().position(has_chunk) else { return Ok(false) };
        let start = self.running[index].submitted;
        let end = self.running[index].ids.len().min(start + self.prefill_rows());
        if !self.room_for(index, end) {
            return Ok(false);
        }
        let sequence = &mut self.running[index];
        self.rows.clear();
        self.rows.extend((start..end).map(|position| row(sequence.ids[position], position, sequence.slot)));
        let mut marks = self.spare.pop().unwrap_or_default();
        // Of a chunk in the middle nothing is wanted, but its end is waited for.
        let mut read = Read::GREATEST;
        if end == sequence.ids.len() {
            let pick = sequence.pick;
            let logits = (pick == Pick::Here).then_some(0);
            read = Read { greatest: pick == Pick::Greatest, drawn: pick == Pick::Drawn, logits: u32::from(logits.is_some()) };
            marks.push(Mark { request: sequence.id, epoch: sequence.epoch, slot: sequence.slot, logits });
        }
        let pending = self.model.submit(Entry::Prefill, &mut self.rows, read)?;
        sequence.submitted = end;
        self.counters.prefilled += (end - start) as u64;
        self.flights.push_back(Flight { pending, marks });
        self.chunk_was_last = true;
        Ok(true)
    }

    /// Submits one row of every sequence that is past its prompt, those whose ids are picked here first.
    pub(super) fn submit_rows(&mut self) -> Result<bool> {
        // Rather than splitting the batch, all wait for those that must.
        if self.running.iter().any(|sequence| sequence.next() == Next::Wait) {
            return Ok(false);
        }
        // Making room can cost sequences their place, so all of it is made before rows are written.
        let mut index = 0;
        while index < self.running.len() {
            let sequence = &self.running[index];
            let ready = matches!(sequence.next(), Next::Row(_));
            if !ready || self.room_for(index, sequence.submitted + 1) {
                index += 1;
            }
        }
        let mut marks = self.spare.pop().unwrap_or_default();
        self.rows.clear();
        let mut read = Read { greatest: false, drawn: false, logits: 0 };
        for here in [true, false] {
            for sequence in self.running.iter_mut().filter(|sequence| (sequence.pick == Pick::Here) == here) {
                if let Next::Row(token) = sequence.next() {
                    match sequence.pick {
                        Pick::Greatest => read.greatest = true,
                        Pick::Drawn => read.drawn = true,
                        Pick::Here => read.logits += 1,
                    }
                    let logits = here.then_some(self.rows.len());
                    marks.push(Mark { request: sequence.id, epoch: sequence.epoch, slot: sequence.slot, logits });
                    self.rows.push(row(token, sequence.submitted, sequence.slot));
                    sequence.submitted += 1;
                }
            }
        }
        if marks.is_empty() {
            self.spare.push(marks);
            return Ok(false);
        }
        let entry = if marks.len() == 1 { Entry::Decode } else { Entry::Batch };
        let pending = self.model.submit(entry, &mut self.rows, read)?;
        self.counters.decoded += marks.len() as u64;
        self.flights.push_back(Flight { pending, marks });
        self.chunk_was_last = false;
        Ok(true)
    }

    /// Whether nobody waits for what a step brings.
    pub(super) fn is_stale(&self, flight: &Flight<M::Pending>) -> bool {
        !flight.marks.is_empty() && flight.marks.iter().all(|mark| self.find(mark).is_none())
    }

    pub(super) fn find(&self, mark: &Mark) -> Option<usize> {
        self.running.iter().position(|sequence| sequence.id == mark.request && sequence.epoch == mark.epoch)
    }

    /// Ends the flight of the oldest step, and hands what it brought to the sequences that still want it.
    pub(super) fn land(&mut self, readback: Option<Readback>) {
        let Some(Flight { mut marks, .. }) = self.flights.pop_front() else { return };
        let mut readback = readback.unwrap_or_default();
        for mark in marks.drain(..) {
            match self.find(&mark) {
                Some(index) => self.settle(index, mark, &mut readback),
                None => self.counters.discarded += 1,
            }
        }
        self.spare.push(marks);
        if self.idle() {
            let marks = self.flights.drain(..).map(|flight| flight.marks.len() as u64).sum::<u64>();
            self.counters.discarded += marks;
        }
    }

    /// Gives a sequence its next id.
    pub(super) fn settle(&mut self, index: usize, mark: Mark, readback: &mut Readback) {
        let (vocab, active) = (self.model.facts().vocab_size, self.active());
        let sequence = &mut self.running[index];
        let position = sequence.ids.len() as u32;
        let id = match mark.logits {
            Some(row) => {
                let start = row * vocab as usize;
                let logits = readback.logits.get_mut(start..start + active as usize).unwrap_or_default();
                self.sampler.pick(logits, &sequence.sampling, &sequence.counts, position)
            }
            None => readback.sampled.get(mark.slot as usize).copied(),
        };
        match id {
            None => {
                let request = self.leave(index).id;
                self.fail(request, ErrorKind::NotFinite { position: position - 1 }.into());
            }
            // Greedily, the GPU knows no padded ids, and it never knows what to do with bad numbers: look at the logits of the last token
            // here, and from now on.
            Some(id) if id >= active => {
                sequence.rewind(sequence.ids.len() - 1);
                sequence.pick = Pick::Here;
                self.model.draw(mark.slot, None);
            }
            Some(id) => {
                let (text, reason) = sequence.accept(id, self.intake.tokenizer(), &self.eos);
                self.events.push(Event { request: mark.request, kind: EventKind::Token { id, text } });
                if let Some(reason) = reason {
                    self.finish(index, reason);
                }
            }
        }
    }

    pub(super) fn finish(&mut self, index: usize, reason: FinishReason) {
        let sequence = self.leave(index);
        self.events.push(Event { request: sequence.id, kind: EventKind::Finished { reason, usage: sequence.usage() } });
    }

    pub(super) fn end_interrupted(&mut self) {
        for request in self.interrupter.take() {
            if let Some(index) = self.running.iter().position(|sequence| sequence.id == request) {
                self.finish(index, FinishReason::Abort);
            } else if let Some(index) = self.waiting.iter().position(|sequence| sequence.id == request)
                && let Some(sequence) = self.waiting.remove(index)
            {
                let kind = EventKind::Finished { reason: FinishReason::Abort, usage: sequence.usage() };
                self.events.push(Event { request, kind });
            }
        }
    }

    fn fail(&mut self, request: RequestId, error: Error) {
        self.events.push(Event { request, kind: EventKind::Failed { error } });
    }
}
