//! What a decode step must move: the least that any schedule reads, worked out from the plan.
//!
//! Weights are read once a token; of the embedding table one row is, unless it is the output layer's too. The cache is read up to the
//! token's position. Activations are left out: they stay in the GPU's own caches.

use tegula_plan::{Buffer, Plan, Variant};

/// Dispatches and bytes of a greedy decode step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Kernel launches.
    pub dispatches: usize,
    /// Bytes of weights.
    pub weights: u64,
    /// Bytes of keys and values for each token in the cache.
    pub cache_per_token: u64,
    /// Tokens beyond which no layer looks back.
    window: u64,
}

impl Traffic {
    /// Works it out for the entry `decode` of a variant; nothing if it has none.
    pub fn of(plan: &Plan, variant: &Variant) -> Option<Traffic> {
        let entry = variant.entries.iter().find(|entry| entry.name == "decode")?;
        let mut weights = 0;
        for dispatch in entry.dispatches.iter().filter(|dispatch| !dispatch.label.starts_with("embed")) {
            for binding in &dispatch.bindings {
                if let Buffer::Weight(param) = plan.buffers[binding.buffer as usize] {
                    let whole = plan.params[param as usize].bytes();
                    weights += if binding.size > 0 { binding.size } else { whole - binding.offset };
                }
            }
        }
        let window = plan.model.sliding_window.map_or(u64::MAX, u64::from);
        Some(Traffic { dispatches: entry.greedy_dispatches(), weights, cache_per_token: plan.model.cache_bytes_per_token(), window })
    }

    /// Bytes of a step that reads a cache of `tokens` tokens.
    pub fn bytes(&self, tokens: u64) -> u64 {
        self.weights + self.cache_per_token * tokens.min(self.window)
    }
}
