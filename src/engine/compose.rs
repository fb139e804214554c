//! What the next step holds.
//!
//! A step holds one row of every sequence that is past its prompt, and rows of prompts beside them. While a stream waits for tokens,
//! [`Pace`](super::pace::Pace) limits the rows of prompts; otherwise they fill a whole chunk. Several prompts share a step. If the model
//! cannot mix rows, or mixing is switched off, chunks of prompts and single rows take turns.

use super::{Engine, Flight, Mark, row};
use crate::Result;
use crate::clock;
use crate::engine::sequence::{Next, Pick, Sequence};
use crate::model::forward::{Entry, Forward, Read};
use crate::model::pools::Room;

/// Rows of a prompt in a step.
struct Piece {
    /// The sequence's place among those that run.
    index: usize,
    /// Behind the last position.
    end: usize,
}

impl<M: Forward> Engine<M> {
    /// Submits a step. False if there is nothing that can be.
    pub(super) fn submit_step(&mut self) -> Result<bool> {
        // In a step without room for both, rows would keep prompts out for as long as there are any.
        let mixed = self.mixing && self.model.mixes() && self.running.len() < self.prefill_rows();
        let submitted = if mixed {
            self.submit_prompts(true)? || self.submit_rows()?
        } else {
            let rows_first = self.chunk_was_last;
            rows_first && self.submit_rows()? || self.submit_prompts(false)? || !rows_first && self.submit_rows()?
        };
        self.counters.steps += u64::from(submitted);
        Ok(submitted)
    }

    /// The most rows of prompts in the next step.
    fn prompt_rows(&self) -> usize {
        let chunk = self.prefill_rows();
        let streams = self.running.iter().any(Sequence::streams);
        match self.prompt_share {
            _ if !streams => chunk,
            Some(rows) => rows.clamp(1, chunk),
            None => self.pace.rows(chunk),
        }
    }

    /// Submits rows of prompts, oldest first: of one sequence, or `mixed` with those of others and a row of each that is past its prompt.
    fn submit_prompts(&mut self, mixed: bool) -> Result<bool> {
        let is_chunk = |sequence: &Sequence| matches!(sequence.next(), Next::Chunk(_));
        if !self.running.iter().any(is_chunk) {
            return Ok(false);
        }
        // Making room can cost the youngest sequences their place, so all of it is made before rows are written.
        let singles = if mixed { self.room_for_rows() } else { Some(0) };
        let Some(singles) = singles else { return Ok(false) };
        let mut left = self.prompt_rows().min(self.prefill_rows().saturating_sub(singles));
        let mut pieces = Vec::new();
        let mut index = 0;
        while index < self.running.len() && left > 0 && (mixed || pieces.is_empty()) {
            let sequence = &self.running[index];
            let Next::Chunk(known) = sequence.next() else {
                index += 1;
                continue;
            };
            let rows = known.min(left);
            let end = sequence.submitted + rows;
            match self.room_for(index, end) {
                Room::Ready => {
                    left -= rows;
                    pieces.push(Piece { index, end });
                    index += 1;
                }
                // The step is made when the caches have grown.
                Room::Grow => return Ok(false),
                Room::Full => {}
            }
        }
        // Those that lost their place are behind all that are left.
        pieces.retain(|piece| piece.index < self.running.len());
        if pieces.is_empty() {
            return Ok(false);
        }
        self.write_prompts(&mut pieces, mixed)?;
        self.chunk_was_last = true;
        Ok(true)
    }

    /// Writes and submits rows of prompts, and a row of each sequence that is past its prompt.
    fn write_prompts(&mut self, pieces: &mut [Piece], mixed: bool) -> Result<()> {
        let ends = |running: &[Sequence], piece: &Piece| piece.end == running[piece.index].ids.len();
        // Rows that get logits come last. So do the prompts that end; of all but one of these, the last row stands alone behind them.
        pieces.sort_by_key(|piece| ends(&self.running, piece));
        let ending = pieces.iter().filter(|piece| ends(&self.running, piece)).count();
        let mut marks = self.spare.pop().unwrap_or_default();
        let mut read = Read { greatest: false, drawn: false, logits: 0, rows: 0 };
        self.rows.clear();
        let (mut prompt, mut alone) = (0, Vec::new());
        for (place, piece) in pieces.iter().enumerate() {
            let sequence = &mut self.running[piece.index];
            let last = place + 1 == pieces.len();
            let behind = if place + ending >= pieces.len() && !last { piece.end - 1 } else { piece.end };
            self.rows.extend((sequence.submitted..behind).map(|position| row(sequence.ids[position], position, sequence.slot)));
            prompt += piece.end - sequence.submitted;
            sequence.submitted = behind;
            if behind < piece.end {
                alone.push(piece.index);
            } else if ending > 0 && last {
                marks.push(mark(sequence, &mut read));
            }
        }
        for index in alone {
            let sequence = &mut self.running[index];
            self.rows.push(row(sequence.ids[sequence.submitted], sequence.submitted, sequence.slot));
            marks.push(mark(sequence, &mut read));
            sequence.submitted += 1;
        }
        let decoded =
            if mixed { self.write_rows(&mut marks, &mut read, |index| pieces.iter().all(|piece| piece.index != index)) } else { 0 };
        // Of rows in the middle of prompts nothing is wanted, but their end is waited for.
        let read = if marks.is_empty() { Read::GREATEST } else { read };
        self.counters.prefilled += prompt as u64;
        self.counters.decoded += decoded;
        self.fly(Entry::Prefill, read, marks, prompt)?;
        for piece in pieces {
            self.keep(piece.index, ends(&self.running, piece));
        }
        Ok(())
    }

    /// Submits one row of every sequence that is past its prompt, those whose logits are read first.
    fn submit_rows(&mut self) -> Result<bool> {
        // Rather than splitting the batch, all wait for those that must.
        if self.running.iter().any(|sequence| sequence.next() == Next::Wait) {
            return Ok(false);
        }
        if self.room_for_rows().is_none() {
            return Ok(false);
        }
        let mut marks = self.spare.pop().unwrap_or_default();
        let mut read = Read { greatest: false, drawn: false, logits: 0, rows: 0 };
        self.rows.clear();
        let decoded = self.write_rows(&mut marks, &mut read, |_| true);
        if marks.is_empty() {
            self.spare.push(marks);
            return Ok(false);
        }
        let entry = if marks.len() == 1 { Entry::Decode } else { Entry::Batch };
        self.counters.decoded += decoded;
        self.fly(entry, read, marks, 0)?;
        self.chunk_was_last = false;
        Ok(true)
    }

    /// Makes room for a row of every sequence that is past its prompt. Gives how many there are; nothing if the caches must grow first.
    fn room_for_rows(&mut self) -> Option<usize> {
        let mut index = 0;
        while index < self.running.len() {
            let sequence = &self.running[index];
            let ready = matches!(sequence.next(), Next::Row(_));
            match if ready { self.room_for(index, sequence.submitted + 1) } else { Room::Ready } {
                Room::Ready => index += 1,
                Room::Grow => return None,
                Room::Full => {}
            }
        }
        Some(self.running.iter().filter(|sequence| matches!(sequence.next(), Next::Row(_))).count())
    }

    /// Writes a row of every sequence that is past its prompt and that `takes` says, those whose logits are read first.
    fn write_rows(&mut self, marks: &mut Vec<Mark>, read: &mut Read, takes: impl Fn(usize) -> bool) -> u64 {
        let before = marks.len();
        for reads in [true, false] {
            for (index, sequence) in self.running.iter_mut().enumerate() {
                if sequence.reads_logits() != reads || !takes(index) {
                    continue;
                }
                if let Next::Row(token) = sequence.next() {
                    marks.push(mark(sequence, read));
                    self.rows.push(row(token, sequence.submitted, sequence.slot));
                    sequence.submitted += 1;
                }
            }
        }
        (marks.len() - before) as u64
    }

    fn fly(&mut self, entry: Entry, read: Read, marks: Vec<Mark>, prompt: usize) -> Result<()> {
        let pending = self.model.submit(entry, &mut self.rows, read)?;
        self.flights.push_back(Flight { pending, marks, prompt, submitted: clock::seconds() });
        Ok(())
    }
}

/// Notes that a row of a sequence gets logits, behind those that `read` has.
fn mark(sequence: &Sequence, read: &mut Read) -> Mark {
    match sequence.pick() {
        Pick::Greatest => read.greatest = true,
        Pick::Drawn => read.drawn = true,
        Pick::Here => {}
    }
    let logits = sequence.reads_logits().then_some(read.rows as usize);
    if logits.is_some() {
        read.logits = read.rows + 1;
    }
    read.rows += 1;
    Mark { request: sequence.id, epoch: sequence.epoch, slot: sequence.slot, pick: sequence.pick(), logits }
}
