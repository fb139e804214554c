//! What a model says of itself: what it takes, what was chosen for the device, and what names its answers.

use crate::model::budget::Memory;
use crate::model::choose::Decision;
use crate::model::forward::Entry;
use crate::model::step::Model;
use tegula_gpu::Gpu;
use tegula_plan::{PAGE_SIZE, Plan, Variant};

impl Model {
    /// What was chosen among alternatives, and why.
    #[must_use]
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The alternatives that run, by choice: what [`Kernels::Remembered`] takes.
    #[must_use]
    pub fn chosen(&self) -> Vec<u32> {
        self.decisions.iter().map(|decision| decision.chosen).collect()
    }

    /// Names what the tokens of answers follow from, beside the requests: equal names, equal tokens.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Sets [`Model::fingerprint`]. The loader works it out.
    pub(crate) fn set_fingerprint(&mut self, fingerprint: String) {
        self.fingerprint = fingerprint;
    }

    /// The plan it runs.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The variant that was chosen for the device.
    #[must_use]
    pub fn variant(&self) -> &Variant {
        &self.plan.variants[self.variant]
    }

    /// The device.
    #[must_use]
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// What it takes.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Tokens that the KV cache has room for now; it grows up to [`Memory::capacity`].
    #[must_use]
    pub fn cached_tokens(&self) -> u32 {
        self.pools.cached() * PAGE_SIZE
    }

    /// Dispatches of a greedy step; zero if the library does not have the entry.
    #[must_use]
    pub fn dispatches(&self, entry: Entry) -> usize {
        self.find(entry).map_or(0, |index| self.variant().entries[index].greedy_dispatches())
    }
}
