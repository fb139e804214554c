//! What a decode step must move: the least that any schedule reads, worked out from the plan.
//!
//! Weights are read once a step, however many sequences it serves; of the embedding table one row is, unless it is the output layer's too. The
//! cache of each sequence is read up to its token's position. Activations are left out: they stay in the GPU's own caches.

use tegula_plan::{Buffer, Paged, Plan, Variant};

use crate::model::forward::Entry;

/// Dispatches and bytes of a greedy decode step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Kernel launches.
    pub dispatches: usize,
    /// Bytes of weights.
    pub weights: u64,
    /// Bytes of keys and values for each token in the cache.
    pub cache_per_token: u64,
    /// Sequences of the step.
    pub batch: u32,
    /// By group of layers: bytes for each token, and the tokens beyond which these layers do not look back.
    groups: Vec<(u64, u64)>,
}

impl Traffic {
    /// Works it out for a step of `batch` sequences, which is the entry `decode` for one and `batch` for several; nothing if a variant does not
    /// have it.
    pub fn of(plan: &Plan, variant: &Variant, batch: u32) -> Option<Traffic> {
        let name = if batch == 1 { Entry::Decode } else { Entry::Batch }.name();
        let entry = variant.entries.iter().find(|entry| entry.name == name)?;
        let mut weights = 0;
        for dispatch in entry.first_choice().filter(|dispatch| !dispatch.label.starts_with("embed")) {
            for binding in &dispatch.bindings {
                if let Buffer::Weight(param) = plan.buffers[binding.buffer as usize] {
                    let whole = plan.params[param as usize].bytes();
                    weights += if binding.size > 0 { binding.size } else { whole - binding.offset };
                }
            }
        }
        let group = |group: &Paged| {
            let bytes = group.bytes_per_token() * group.layers.len() as u64;
            (bytes, group.window.map_or(u64::MAX, u64::from))
        };
        let groups = plan.model.paged().map(group).collect();
        Some(Traffic { dispatches: entry.greedy_dispatches(), weights, cache_per_token: plan.model.cache_bytes_per_token(), batch, groups })
    }

    /// Bytes of a step in which each sequence reads a cache of `tokens` tokens.
    pub fn bytes(&self, tokens: u64) -> u64 {
        let cache: u64 = self.groups.iter().map(|(bytes, window)| bytes * tokens.min(*window)).sum();
        self.weights + u64::from(self.batch) * cache
    }
}
