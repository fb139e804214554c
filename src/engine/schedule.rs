//! The engine's schedule: which sequences run, and what happens with the results of steps. [`super::compose`] fills the steps.

use super::{Engine, Flight, Mark};
use crate::clock;
use crate::engine::request::{Event, EventKind, RequestId};
use crate::engine::sequence::Sequence;
use crate::engine::usage::FinishReason;
use crate::model::forward::{Entry, Forward, Readback};
use crate::model::pools::Room;
use crate::{Error, ErrorKind};
use tegula_plan::PAGE_SIZE;

impl<M: Forward> Engine<M> {
    /// Lets waiting requests run while there are slots and pages for them.
    pub(super) fn admit(&mut self) {
        let mut place = 0;
        while let (Some(&slot), false) = (self.slots.last(), self.grows)
            && let Some(mut sequence) = self.waiting.remove(place)
        {
            sequence.turn(self.model.facts().stretched_after);
            let held = self.held(&sequence);
            if self.is_coming(&sequence, held.len()) {
                self.waiting.insert(place, sequence);
                place += 1;
                continue;
            }
            let (begun, tokens) = (held.len() * PAGE_SIZE as usize, sequence.ids.len());
            self.model.adopt(slot, &held);
            // Where layers see all tokens, there must be room for all that it has; others make room as they go.
            let next = tokens.min(begun + self.prefill_rows());
            let room = self.make_room(slot, begun, next, tokens);
            if room != Room::Ready {
                self.model.release(slot);
            }
            if room == Room::Full && self.running.is_empty() {
                let error = self.shortage(tokens);
                self.fail(sequence.id, error);
                continue;
            }
            if room != Room::Ready {
                self.waiting.insert(place, sequence);
                return;
            }
            self.slots.pop();
            self.counters.cached += begun as u64;
            sequence.start(slot, begun);
            self.model.draw(slot, sequence.drawing(self.active()));
            self.model.stretch(slot, sequence.stretched);
            self.running.push(sequence);
        }
    }

    /// Lets sequences start over that have grown so long that their positions are rotated in another way.
    pub(super) fn start_outgrown_over(&mut self) {
        for index in (0..self.running.len()).rev() {
            if self.running[index].is_outgrown() {
                let mut sequence = self.leave(index);
                tracing::debug!(request = sequence.id.0, "a request is longer than its caches were computed for: it starts over");
                sequence.rewind(0);
                self.waiting.push_front(sequence);
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

    /// Frees the pages that rows from `first` on do not see, and makes room for positions up to `tokens`, of which those up to `next` are
    /// submitted next. What the caches hold of earlier sequences goes where it must.
    fn make_room(&mut self, slot: u32, first: usize, next: usize, tokens: usize) -> Room {
        self.model.forget(slot, first as u32);
        let mut room = self.model.reserve(slot, next as u32, tokens as u32);
        while room == Room::Full && self.evict() {
            room = self.model.reserve(slot, next as u32, tokens as u32);
        }
        self.grows |= room == Room::Grow;
        room
    }

    /// Why there is no room for so many tokens of a sequence that runs alone.
    pub(super) fn shortage(&self, tokens: usize) -> Error {
        let bytes = self.model.facts().cache_bytes_per_token();
        let advice = "allow more memory, or ask for less at once";
        let what = format!("the KV cache of {}", tegula_plan::count(tokens, "token"));
        ErrorKind::Budget { what, needed: bytes * tokens as u64, available: bytes * u64::from(self.model.capacity()), advice }.into()
    }

    /// Makes room for positions of a running sequence up to `tokens`, where needed at the cost of the youngest. If it is [`Room::Full`], that was
    /// the sequence itself, which runs no more.
    pub(super) fn room_for(&mut self, index: usize, tokens: usize) -> Room {
        loop {
            let sequence = &self.running[index];
            // What it could be taken back to.
            let first = sequence.submitted.min(sequence.ids.len() - 1);
            match self.make_room(sequence.slot, first, tokens, tokens) {
                Room::Full if self.running.len() == 1 => {
                    let error = self.shortage(tokens);
                    let failed = self.leave(index);
                    self.fail(failed.id, error);
                    return Room::Full;
                }
                Room::Full => {
                    let youngest = self.running.len() - 1;
                    let mut sequence = self.leave(youngest);
                    tracing::debug!(request = sequence.id.0, "pages ran out: the youngest request starts over");
                    sequence.rewind(0);
                    self.waiting.push_front(sequence);
                    if youngest == index {
                        return Room::Full;
                    }
                }
                room => return room,
            }
        }
    }

    /// Takes a sequence out of those that run. What it holds stays for others that begin like it, as long as there is room.
    pub(super) fn leave(&mut self, index: usize) -> Sequence {
        self.keep(index, true);
        let sequence = self.running.remove(index);
        self.model.release(sequence.slot);
        self.slots.push(sequence.slot);
        sequence
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
        let Some(Flight { mut marks, prompt, submitted, .. }) = self.flights.pop_front() else { return };
        if readback.is_some() {
            self.pace.ended(submitted, clock::seconds(), prompt);
        }
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

    pub(super) fn end_interrupted(&mut self) {
        for request in std::mem::take(&mut self.interrupted) {
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

    pub(super) fn fail(&mut self, request: RequestId, error: Error) {
        self.events.push(Event { request, kind: EventKind::Failed { error } });
    }
}
