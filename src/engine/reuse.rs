//! What the engine computes once for all requests that begin alike.
//!
//! Pages stay when their sequence ends, in the tree of [`super::prefix`]. A request that begins like an earlier one begins with its pages.
//! If a running request is about to compute the beginning of a waiting one, that one waits for it. So answers to one prompt prefill it once.
//!
//! Pages of the tree are the first to go when there is no room.

use tegula_plan::PAGE_SIZE;

use super::Engine;
use crate::engine::sequence::Sequence;
use crate::model::forward::Forward;
use crate::model::pools::Block;

const PAGE: usize = PAGE_SIZE as usize;

impl<M: Forward> Engine<M> {
    /// Whether requests begin with what earlier ones computed, as they do at first. It changes the speed only.
    pub fn set_prefix_cache(&mut self, reuses: bool) {
        self.reuses = reuses;
        self.forget_prefixes();
    }

    /// Lets go of everything that no running sequence holds.
    pub(crate) fn forget_prefixes(&mut self) {
        while self.evict() {}
    }

    /// Lets go of the pages that were used least recently. False if there are none.
    pub(super) fn evict(&mut self) -> bool {
        let block = self.prefixes.evict();
        if let Some(block) = &block {
            self.model.free(block);
        }
        block.is_some()
    }

    /// What the caches hold of the beginning of a sequence.
    pub(super) fn held(&mut self, sequence: &Sequence) -> Vec<Block> {
        if self.reuses { self.prefixes.find(&sequence.ids, sequence.stretched) } else { Vec::new() }
    }

    /// Whether a running sequence is about to compute more of the beginning of another than `held` pages.
    pub(super) fn is_coming(&self, sequence: &Sequence, held: usize) -> bool {
        let ids = &sequence.ids;
        self.reuses
            && self.running.iter().filter(|other| other.stretched == sequence.stretched).any(|other| {
                let prompt = &other.ids[..other.prompt];
                let alike = prompt.iter().zip(ids).take_while(|(one, other)| one == other).count();
                let pages = alike.min(ids.len() - 1) / PAGE;
                pages > held && other.submitted < pages * PAGE
            })
    }

    /// Notes what the caches hold of a running sequence. `ends` says that its prompt or its answer ends here: later requests often go on from
    /// there.
    pub(super) fn keep(&mut self, index: usize, ends: bool) {
        if !self.reuses {
            return;
        }
        let Engine { running, prefixes, model, .. } = self;
        let sequence = &running[index];
        let known = sequence.submitted.min(sequence.ids.len());
        // Both closures change the model, one after the other.
        let model = std::cell::RefCell::new(model);
        let keep = |page| model.borrow_mut().keep(sequence.slot, page);
        prefixes.insert(&sequence.ids[..known], sequence.stretched, ends, keep, |block| model.borrow_mut().free(block));
    }
}
