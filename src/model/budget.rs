//! What fits: worked out before anything is allocated.
//!
//! Weights and activations have fixed sizes. The KV cache takes what is left, up to what full batches of whole context windows can use. It
//! is allocated as it fills: its capacity is a promise and costs nothing until then. While the cache of a layer grows, old and new exist at
//! once; the budget counts that as well.

use crate::model::capacity::{self, GroupMemory};
use crate::model::kv::INITIAL_TOKENS;
use crate::{Error, ErrorKind, Result};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tegula_gpu::{DeviceInfo, Limits};
use tegula_plan::{Binding, Buffer, PAGE_SIZE, Param, Plan, SAMPLING_WORDS, Variant};

/// On Metal, where large buffers are slow, the cache holds no more tokens than this unless [`Budget::tokens`] says otherwise.
pub const METAL_TOKENS: u32 = 32_768;

/// A cache of fewer tokens than this (or than the context window) is of no use.
pub(crate) const LEAST_TOKENS: u32 = 256;

/// What may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Bytes for weights, activations and KV cache together. Not limited if absent: WebGPU does not tell how much memory there is.
    pub memory: Option<u64>,
    /// Tokens in the KV cache, all sequences together, instead of as many as fit. Also lifts the cap on Metal.
    pub tokens: Option<u32>,
}

/// What is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Bytes of weights.
    pub weights: u64,
    /// Bytes of activations, logits and the small buffers that the host writes.
    pub activations: u64,
    /// Bytes that one token takes in the KV cache, while every layer holds it.
    pub cache_per_token: u64,
    /// Tokens that the largest caches can grow to, all sequences together; a multiple of the page size.
    pub capacity: u32,
    /// The same for each group of layers that keeps its tokens alike.
    pub groups: Vec<GroupMemory>,
}

/// Sizes in bytes of what a variant binds, each a multiple of 16.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// By parameter.
    pub weights: BTreeMap<u32, u64>,
    /// The vectors arena.
    pub vectors: u64,
    /// By number of the activation arena.
    pub arenas: BTreeMap<u32, u64>,
    /// Layers that have a cache.
    pub caches: BTreeSet<u32>,
    /// Groups of layers. Each has rows and a page table of its own.
    pub groups: u64,
    /// Rows of a step.
    pub rows: u64,
    /// Segments of a step.
    pub segments: u64,
    /// The page table.
    pub page_table: u64,
    /// Logits.
    pub logits: u64,
    /// Sampled ids.
    pub sampled: u64,
    /// How ids are drawn.
    pub sampling: u64,
    /// Which sequences are rotated as long ones.
    pub stretched: u64,
    /// Counts and biases of ids.
    pub tokens: u64,
}

impl Sizes {
    /// Sizes of the buffers that `variant` binds.
    pub(crate) fn of(plan: &Plan, variant: &Variant) -> Self {
        let model = &plan.model;
        let most_rows = variant.entries.iter().map(|entry| u64::from(entry.max_rows)).max().unwrap_or(1);
        let groups = model.paged().count() as u64;
        let mut sizes = Sizes {
            vectors: plan.vectors.iter().map(|vector| 4 * (u64::from(vector.offset) + u64::from(vector.length))).max().unwrap_or(0),
            rows: 16 * most_rows,
            groups,
            segments: padded(4 * (1 + u64::from(model.max_batch_size))),
            page_table: padded(4 * u64::from(model.max_batch_size) * u64::from(model.pages_per_sequence())),
            sampled: padded(4 * u64::from(model.max_batch_size)),
            sampling: padded(4 * SAMPLING_WORDS as u64 * u64::from(model.max_batch_size)),
            stretched: if model.stretched_after.is_some() { padded(4 * u64::from(model.max_batch_size)) } else { 0 },
            tokens: padded(8 * u64::from(model.max_batch_size) * u64::from(model.vocab_size)),
            ..Sizes::default()
        };
        sizes.vectors = padded(sizes.vectors);
        for binding in bindings(variant) {
            match plan.buffers[binding.buffer as usize] {
                Buffer::Weight(param) => {
                    sizes.weights.insert(param, padded(param_bytes(&plan.params[param as usize])));
                }
                Buffer::Cache(layer) => {
                    sizes.caches.insert(layer);
                }
                Buffer::Activation { arena, offset, bytes } => {
                    let end = padded(offset.saturating_add(bytes));
                    let size = sizes.arenas.entry(arena).or_default();
                    *size = end.max(*size);
                }
                Buffer::Logits { rows } => sizes.logits = sizes.logits.max(padded(4 * u64::from(rows) * u64::from(model.vocab_size))),
                Buffer::Vectors
                | Buffer::Rows(_)
                | Buffer::Segments
                | Buffer::PageTable(_)
                | Buffer::Sampled
                | Buffer::Sampling
                | Buffer::Stretched
                | Buffer::Tokens => {}
            }
        }
        sizes
    }

    fn weight_bytes(&self) -> u64 {
        self.weights.values().fold(self.vectors, |sum, bytes| sum.saturating_add(*bytes))
    }

    fn activation_bytes(&self) -> u64 {
        let small = self.groups * (self.rows + self.page_table)
            + self.segments
            + self.logits
            + self.sampled
            + self.sampling
            + self.stretched
            + self.tokens;
        self.arenas.values().fold(small, |sum, bytes| sum.saturating_add(*bytes))
    }

    /// Fails if a buffer or a binding is larger than the device allows.
    fn check(&self, plan: &Plan, variant: &Variant, limits: &Limits) -> Result<()> {
        let weights = self.weights.iter().map(|(param, bytes)| (format!("parameter `{}`", plan.params[*param as usize].name), *bytes));
        let arenas = self.arenas.iter().map(|(arena, bytes)| (format!("activation arena {arena}"), *bytes));
        let others = [
            ("the vectors arena", self.vectors),
            ("the logits", self.logits),
            ("the page table", self.page_table),
            ("the counts of tokens", self.tokens),
        ];
        for (what, bytes) in weights.chain(arenas).chain(others.map(|(what, bytes)| (what.to_owned(), bytes))) {
            within("maxBufferSize", what, bytes, limits.max_buffer)?;
        }
        for dispatch in variant.entries.iter().flat_map(|entry| &entry.dispatches) {
            for binding in &dispatch.bindings {
                let whole = match plan.buffers[binding.buffer as usize] {
                    Buffer::Weight(param) => self.weights[&param],
                    Buffer::Vectors => self.vectors,
                    Buffer::Activation { bytes, .. } => bytes,
                    Buffer::Logits { .. } => self.logits,
                    Buffer::PageTable(_) => self.page_table,
                    Buffer::Tokens => self.tokens,
                    Buffer::Cache(_) | Buffer::Rows(_) | Buffer::Segments | Buffer::Sampled | Buffer::Sampling | Buffer::Stretched => 0,
                };
                let bytes = if binding.size > 0 { binding.size } else { whole.saturating_sub(binding.offset) };
                within("maxStorageBufferBindingSize", format!("a binding of `{}`", dispatch.label), bytes, limits.max_storage_binding)?;
            }
        }
        Ok(())
    }
}

impl Memory {
    /// Bytes of caches where groups have up to so many tokens each. A group whose layers look back over a window has no use for more than its
    /// capacity.
    #[must_use]
    pub fn cache_bytes(&self, tokens: u32) -> u64 {
        let bytes = |group: &GroupMemory| group.bytes_per_token.saturating_mul(u64::from(tokens.min(group.capacity)));
        self.groups.iter().map(bytes).fold(0, u64::saturating_add)
    }

    /// Pages that the caches of each group of layers have at first.
    pub(crate) fn initial_pages(&self) -> Vec<u32> {
        self.groups.iter().map(|group| group.capacity.min(INITIAL_TOKENS) / PAGE_SIZE).collect()
    }

    /// Works out what `variant` of `plan` needs on a device, and how many tokens the KV cache may hold.
    ///
    /// # Errors
    /// [`tegula_gpu::ErrorKind::Limit`] naming the limit that is too small, [`ErrorKind::Budget`] when the memory does not suffice,
    /// [`ErrorKind::Library`] when the plan's numbers are absurd.
    pub fn plan(plan: &Plan, variant: &Variant, device: &DeviceInfo, budget: &Budget) -> Result<Memory> {
        let (model, limits) = (&plan.model, &device.limits);
        plausible(plan)?;
        let sizes = Sizes::of(plan, variant);
        sizes.check(plan, variant, limits)?;
        let (weights, activations) = (sizes.weight_bytes(), sizes.activation_bytes());
        let fixed = weights.saturating_add(activations);
        if let Some(available) = budget.memory.filter(|memory| *memory < fixed) {
            let advice = "allow more memory, choose a smaller model or quantization, or compile with a smaller --prefill-chunk-size";
            return Err(ErrorKind::Budget { what: "weights and activations".into(), needed: fixed, available, advice }.into());
        }

        let shares = capacity::shares(model, &sizes.caches);
        let largest = limits.max_buffer.min(limits.max_storage_binding);
        let useful = capacity::useful(&shares, u64::MAX);
        let left = budget.memory.map_or(u64::MAX, |memory| memory - fixed);
        // Rows name places in the cache with 32 bits.
        let addressable = u64::from(u32::MAX / PAGE_SIZE);
        let asked = match budget.tokens {
            Some(tokens) => tokens.div_ceil(PAGE_SIZE),
            None if device.is_metal() => METAL_TOKENS / PAGE_SIZE,
            None => u32::MAX,
        };
        let least = u64::from(model.context_window_size.min(LEAST_TOKENS).div_ceil(PAGE_SIZE)).min(useful);
        let page = shares.iter().map(|share| share.page).max().unwrap_or(1);
        within("maxBufferSize", "the KV cache of a layer".into(), least * page, limits.max_buffer)?;
        within("maxStorageBufferBindingSize", "the KV cache of a layer".into(), least * page, limits.max_storage_binding)?;
        let needed = capacity::bytes(&shares, least);
        if left < needed {
            let advice = "allow more memory, or choose a smaller model or quantization";
            let what = format!("a KV cache of {} tokens", least * u64::from(PAGE_SIZE));
            return Err(ErrorKind::Budget { what, needed, available: left, advice }.into());
        }
        let most = capacity::useful(&shares, largest).min(addressable).min(u64::from(asked).max(least));
        let pages = capacity::fitting(&shares, most, left);
        let groups: Vec<GroupMemory> = shares.iter().map(|share| share.line(pages)).collect();
        let cache_per_token = groups.iter().map(|group| group.bytes_per_token).fold(0, u64::saturating_add);
        let capacity = groups.iter().map(|group| group.capacity).max().unwrap_or(0);
        let memory = Memory { weights, activations, cache_per_token, capacity, groups };
        tracing::debug!(?memory, useful = useful * u64::from(PAGE_SIZE), "memory planned");
        Ok(memory)
    }
}

/// Refuses numbers that no model has, so that sums and products of them fit their types.
fn plausible(plan: &Plan) -> Result<()> {
    let model = &plan.model;
    let bounds = [
        ("vocab_size", model.vocab_size, 1 << 28),
        ("layers", model.layers, 1 << 16),
        ("context_window_size", model.context_window_size, 1 << 28),
        ("max_batch_size", model.max_batch_size, 1 << 16),
    ];
    let heads = model.paged().flat_map(|group| [("kv_heads", group.kv_heads, 1 << 16), ("head_dim", group.head_dim, 1 << 16)]);
    let rows = plan.variants.iter().flat_map(|variant| &variant.entries).map(|entry| ("max_rows", entry.max_rows, 1 << 24));
    let logits = plan.buffers.iter().filter_map(|buffer| match buffer {
        Buffer::Logits { rows } => Some(("logits rows", *rows, 1 << 24)),
        _ => None,
    });
    match bounds.into_iter().chain(heads).chain(rows).chain(logits).find(|(_, value, most)| !(1..=*most).contains(value)) {
        None => Ok(()),
        Some((name, value, most)) => {
            let reason = format!("`{name}` is {value}, not between 1 and {most}");
            Err(tegula_plan::Error::from(tegula_plan::ErrorKind::Damaged { section: tegula_plan::section::PLAN, reason }).into())
        }
    }
}

/// Bytes of a parameter; the largest number where it would overflow, so that a limit names it.
pub(crate) fn param_bytes(param: &Param) -> u64 {
    param.shape.iter().fold(param.dtype.bytes(), |bytes, length| bytes.saturating_mul(*length))
}

/// Rounded up to whole vectors of 16 bytes.
pub(crate) fn padded(bytes: u64) -> u64 {
    bytes.checked_next_multiple_of(16).unwrap_or(u64::MAX)
}

fn bindings(variant: &Variant) -> impl Iterator<Item = &Binding> {
    variant.entries.iter().flat_map(|entry| &entry.dispatches).flat_map(|dispatch| &dispatch.bindings)
}

fn within(limit: &'static str, what: String, needed: u64, available: u64) -> Result<()> {
    if needed <= available {
        return Ok(());
    }
    Err(Error::from(tegula_gpu::Error::from(tegula_gpu::ErrorKind::Limit { limit, what, needed, available })))
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
