//! The rule by which ids follow one another: what comes of a prompt, without steps, pages or a cache.

use std::collections::BTreeMap;

use super::{EOS, Fake, POISON, STRETCHED};
use crate::sampler::{Sampler, Sampling};

impl Fake {
    /// How many tokens before a position's end some layer sees.
    fn window(&self) -> Option<u32> {
        self.facts.paged().map(|group| group.window).max_by_key(|window| window.unwrap_or(u32::MAX))?
    }

    /// The logits after tokens, the last of which is at `position`.
    pub(in crate::engine) fn logits_after(&self, tokens: impl Iterator<Item = u32>, position: u32) -> Vec<f32> {
        let mut hash = position;
        let mut poisoned = false;
        for token in tokens {
            hash = (hash ^ token).wrapping_mul(0x0100_0193).rotate_left(7);
            poisoned |= token == POISON;
        }
        let mut logits: Vec<f32> = (0..self.facts.vocab_size).map(|id| (id.wrapping_mul(hash) >> 20) as f32 * 1e-3 - 4.0).collect();
        // Letters mostly, so that there is text to read.
        logits[100 + (hash >> 8) as usize % 8] = 6.0;
        if (hash >> 16).is_multiple_of(41) {
            logits[EOS as usize] = 7.0;
        }
        if (hash >> 12).is_multiple_of(9) {
            logits[self.padded_from as usize..].fill(9.0);
        }
        if poisoned {
            // One of many is enough.
            logits[3] = if hash.is_multiple_of(2) { f32::NAN } else { f32::INFINITY };
        }
        logits
    }

    /// The ids that follow a prompt, by the rule alone: at most so many, and none after the end.
    pub(crate) fn continuation(&self, prompt: &[u32], most: usize) -> Vec<u32> {
        self.sampled_continuation(prompt, most, &Sampling::greedy())
    }

    /// As [`Fake::continuation`], with ids picked by the sampler.
    pub(in crate::engine) fn sampled_continuation(&self, prompt: &[u32], most: usize, sampling: &Sampling) -> Vec<u32> {
        let (mut ids, mut counts) = (prompt.to_vec(), BTreeMap::new());
        for _ in 0..most {
            let seen = self.window().map_or(0, |window| ids.len().saturating_sub(window as usize));
            let stretched = self.facts.stretched_after.is_some_and(|after| ids.len() > after as usize);
            let turned = ids[seen..].iter().map(|id| id + if stretched { STRETCHED } else { 0 });
            let mut logits = self.logits_after(turned, ids.len() as u32 - 1);
            logits.truncate(self.padded_from as usize);
            let id = Sampler::default().pick(&mut logits, sampling, &counts, ids.len() as u32).expect("numbers");
            *counts.entry(id).or_default() += 1;
            ids.push(id);
            if id == EOS {
                break;
            }
        }
        ids.split_off(prompt.len())
    }

    /// As [`Fake::continuation`], for the logits after each token of a prompt.
    pub(in crate::engine) fn scores(&self, prompt: &[u32]) -> Vec<Vec<f32>> {
        (0..prompt.len()).map(|last| self.logits_after(prompt[..=last].iter().copied(), last as u32)).collect()
    }
}

pub(super) fn greatest(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (id, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = id;
        }
    }
    // As the kernels do, which then give no id.
    if logits.iter().any(|logit| logit.is_nan() || *logit == f32::INFINITY) { u32::MAX } else { best as u32 }
}
