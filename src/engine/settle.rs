//! What becomes of an id that a step brought: it is the next of its sequence, or it is refused and picked again.

use super::{Engine, Mark};
use crate::engine::logprobs::Logprobs;
use crate::engine::request::{Event, EventKind};
use crate::engine::sequence::Pick;
use crate::engine::usage::FinishReason;
use crate::model::forward::{Forward, Readback};
use crate::text::detokenizer::token_bytes;
use crate::{ErrorKind, Result};

/// What a pick comes to.
enum Verdict {
    /// It is the next id.
    Taken(u32),
    /// It is not allowed, and there were no logits to pick another one from.
    Refused,
    /// Logits were no numbers.
    NoNumber,
}

impl<M: Forward> Engine<M> {
    /// Works out, while the GPU runs, which tokens may be next where ids are picked here.
    pub(super) fn prepare_masks(&mut self) {
        for index in (0..self.running.len()).rev() {
            let sequence = &mut self.running[index];
            let thinks = sequence.thinking.as_ref().is_some_and(|thinking| thinking.is_free(u32::MAX, String::new));
            if sequence.pick() != Pick::Here || thinks {
                continue;
            }
            if let Some(Err(error)) = sequence.constraint.as_mut().map(|constraint| constraint.prepare()) {
                let request = self.leave(index).id;
                self.fail(request, error);
            }
        }
    }

    /// Gives a sequence its next id.
    pub(super) fn settle(&mut self, index: usize, mark: Mark, readback: &mut Readback) {
        let vocab = self.model.facts().vocab_size as usize;
        let start = mark.logits.unwrap_or_default() * vocab;
        let active = self.intake.active_vocab();
        let logits = readback.logits.get_mut(start..start + active as usize).unwrap_or_default();
        // Picking uses them up.
        let sequence = &self.running[index];
        let keeps = mark.pick == Pick::Here && (sequence.logprobs.is_some() || sequence.constraint.is_some());
        let raw = keeps.then(|| logits.to_vec());
        let position = sequence.ids.len() as u32;
        let picked = match mark.pick {
            Pick::Here => self.sampler.pick(logits, &sequence.sampling, &sequence.counts, position),
            Pick::Greatest | Pick::Drawn => readback.sampled.get(mark.slot as usize).copied(),
        };
        // An answer that must be of a form cannot end in its reasoning.
        let ends = sequence.constraint.is_some() && picked.is_some_and(|id| self.eos.contains(&id));
        if let Some(ids) = sequence.thinking.as_ref().and_then(|thinking| thinking.over(ends)).map(<[u32]>::to_vec) {
            self.put(index, &ids);
            return;
        }
        match self.judge(index, mark, picked, raw.as_deref()) {
            Ok(Verdict::Taken(id)) => {
                let tokenizer = self.intake.tokenizer();
                let sequence = &mut self.running[index];
                sequence.again = false;
                let raw = raw.as_deref().unwrap_or(logits);
                let logprobs = sequence.logprobs.map(|top| Box::new(Logprobs::of(raw, id, top, tokenizer)));
                if self.accept(index, id, logprobs) {
                    self.force(index);
                }
            }
            Ok(Verdict::Refused) => {
                let sequence = &mut self.running[index];
                sequence.rewind(sequence.ids.len() - 1);
                sequence.again = true;
            }
            Ok(Verdict::NoNumber) => {
                let request = self.leave(index).id;
                // Nobody shall begin with what may not be a number.
                self.forget_prefixes();
                self.fail(request, ErrorKind::NotFinite { position: position - 1 }.into());
            }
            Err(error) => {
                let request = self.leave(index).id;
                self.fail(request, error);
            }
        }
    }

    /// Holds a pick against what the sequence allows. With the `raw` logits of its place, another id is picked where it is refused.
    fn judge(&mut self, index: usize, mark: Mark, picked: Option<u32>, raw: Option<&[f32]>) -> Result<Verdict> {
        let sequence = &mut self.running[index];
        let Some(id) = picked else { return Ok(Verdict::NoNumber) };
        // Greedily, the GPU knows no padded ids, and it never knows what to do with bad numbers: look at the logits of the last token
        // here, and from now on.
        if id >= self.intake.active_vocab() {
            sequence.pick_here();
            self.model.draw(mark.slot, None);
            return Ok(Verdict::Refused);
        }
        let Some(constraint) = &mut sequence.constraint else { return Ok(Verdict::Taken(id)) };
        let text = || self.intake.tokenizer().map(|tokenizer| String::from_utf8_lossy(&token_bytes(tokenizer, id)).into_owned());
        if sequence.thinking.as_ref().is_some_and(|thinking| thinking.is_free(id, || text().unwrap_or_default())) {
            return Ok(Verdict::Taken(id));
        }
        let taken = constraint.take(id, self.eos.contains(&id))?;
        if !sequence.again {
            constraint.note(!taken);
        }
        let (false, Some(raw)) = (taken, raw) else { return Ok(if taken { Verdict::Taken(id) } else { Verdict::Refused }) };
        let mut allowed = raw.to_vec();
        constraint.apply(&mut allowed)?;
        let position = sequence.ids.len() as u32;
        let Some(id) = self.sampler.pick_again(&mut allowed, &sequence.sampling, &sequence.counts, position) else {
            return Ok(Verdict::NoNumber);
        };
        if constraint.take(id, self.eos.contains(&id))? { Ok(Verdict::Taken(id)) } else { Ok(Verdict::NoNumber) }
    }

    /// Puts tokens into an answer that are the only ones possible, where they are many.
    fn force(&mut self, index: usize) {
        let sequence = &mut self.running[index];
        let thinks = sequence.thinking.as_ref().is_some_and(|thinking| thinking.is_free(u32::MAX, String::new));
        let (Some(constraint), Some(tokenizer)) = (&mut sequence.constraint, self.intake.tokenizer()) else { return };
        // How likely they would have been, nobody computes.
        if thinks || sequence.logprobs.is_some() {
            return;
        }
        match constraint.force(tokenizer) {
            Ok(ids) if ids.is_empty() => {}
            Ok(ids) => self.put(index, &ids),
            Err(error) => {
                let request = self.leave(index).id;
                self.fail(request, error);
            }
        }
    }

    /// Puts ids into an answer that nobody picked. What ran ahead is taken back.
    fn put(&mut self, index: usize, ids: &[u32]) {
        let active = self.intake.active_vocab();
        let sequence = &mut self.running[index];
        sequence.again = false;
        // The row of the last id is on its way, or rows behind it are: what they bring is not wanted.
        if sequence.submitted >= sequence.ids.len() {
            sequence.rewind(sequence.ids.len());
        }
        for &id in ids {
            if !self.accept(index, id, None) {
                return;
            }
        }
        // The GPU counts what it draws, and drew none of these.
        let sequence = &self.running[index];
        if sequence.sampling.adjusts() {
            self.model.draw(sequence.slot, sequence.drawing(active));
        }
    }

    /// Adds an id to an answer and tells of it. False if the answer ends with it.
    fn accept(&mut self, index: usize, id: u32, logprobs: Option<Box<Logprobs>>) -> bool {
        let sequence = &mut self.running[index];
        let (text, reason) = sequence.accept(id, self.intake.tokenizer(), &self.eos);
        self.events.push(Event { request: sequence.id, kind: EventKind::Token { id, text, logprobs } });
        if let Some(reason) = reason {
            self.finish(index, reason);
        }
        reason.is_none()
    }

    pub(super) fn finish(&mut self, index: usize, reason: FinishReason) {
        let sequence = self.leave(index);
        self.events.push(Event { request: sequence.id, kind: EventKind::Finished { reason, usage: sequence.usage() } });
    }
}
