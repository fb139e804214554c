//! How many pages the caches of each group of layers may have.
//!
//! A group whose layers look back over a window needs no more of a sequence than the window and the rows of a step. Its other memory goes
//! to the other groups. Every group has a line of its own in the budget.

use crate::model::kv::INITIAL_TOKENS;
use serde::Serialize;
use std::collections::BTreeSet;
use tegula_plan::{Model, PAGE_SIZE, Paged};

/// What a group of layers takes in the KV cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupMemory {
    /// Layers of the group.
    pub layers: u32,
    /// How many tokens they look back, if not all.
    pub window: Option<u32>,
    /// Bytes that one token takes in the caches of these layers.
    pub bytes_per_token: u64,
    /// Tokens that their caches can grow to, all sequences together; a multiple of the page size.
    pub capacity: u32,
}

/// A group, while its share is worked out.
pub(super) struct Share {
    window: Option<u32>,
    layers: u64,
    /// Bytes of a page in the cache of one layer.
    pub page: u64,
    /// The most pages that are of use.
    useful: u64,
}

/// The groups of a model, as far as a variant binds their caches.
pub(super) fn shares(model: &Model, caches: &BTreeSet<u32>) -> Vec<Share> {
    let share = |group: &Paged| Share {
        window: group.window,
        layers: group.layers.iter().filter(|layer| caches.contains(layer)).count() as u64,
        page: group.page_bytes().max(1),
        useful: u64::from(pages_of(model, group)) * u64::from(model.max_batch_size.max(1)),
    };
    model.paged().map(share).collect()
}

/// The most pages that a sequence holds in a group.
fn pages_of(model: &Model, group: &Paged) -> u32 {
    let held = group.held(model.prefill_chunk_size).unwrap_or(u32::MAX);
    model.pages_per_sequence().min(held.div_ceil(PAGE_SIZE))
}

impl Share {
    fn pages(&self, pages: u64) -> u64 {
        pages.min(self.useful)
    }

    /// Bytes that its caches take where groups have up to so many pages.
    fn bytes(&self, pages: u64) -> u64 {
        self.page.saturating_mul(self.layers).saturating_mul(self.pages(pages))
    }

    /// Bytes of the cache of one layer that is held twice while it grows.
    fn twice(&self, pages: u64) -> u64 {
        let pages = self.pages(pages);
        let before = if pages <= u64::from(INITIAL_TOKENS / PAGE_SIZE) { 0 } else { pages.next_power_of_two() / 2 };
        if self.layers == 0 { 0 } else { self.page.saturating_mul(before) }
    }

    /// What goes into the budget, where groups have up to so many pages.
    pub fn line(&self, pages: u64) -> GroupMemory {
        let bytes_per_token = self.page.saturating_mul(self.layers) / u64::from(PAGE_SIZE);
        let capacity = u32::try_from(self.pages(pages) * u64::from(PAGE_SIZE)).unwrap_or(u32::MAX);
        GroupMemory { layers: self.layers as u32, window: self.window, bytes_per_token, capacity }
    }
}

/// What goes into the budget where groups have up to so many pages.
pub(super) fn lines(model: &Model, caches: &BTreeSet<u32>, pages: u32) -> Vec<GroupMemory> {
    shares(model, caches).iter().map(|share| share.line(pages.into())).collect()
}

/// Bytes that all caches take at most where groups have up to so many pages. They grow one after another.
pub(super) fn bytes(shares: &[Share], pages: u64) -> u64 {
    let twice = shares.iter().map(|share| share.twice(pages)).max().unwrap_or(0);
    shares.iter().map(|share| share.bytes(pages)).fold(twice, u64::saturating_add)
}

/// The most pages that are of use, where no cache exceeds `largest` bytes.
pub(super) fn useful(shares: &[Share], largest: u64) -> u64 {
    let most = shares.iter().map(|share| share.useful).max().unwrap_or(0);
    let fits = shares.iter().filter(|share| share.useful > largest / share.page).map(|share| largest / share.page).min();
    most.min(fits.unwrap_or(u64::MAX))
}

/// The most pages, up to `most`, whose caches fit into `available` bytes.
pub(super) fn fitting(shares: &[Share], most: u64, available: u64) -> u64 {
    let (mut fits, mut exceeds) = (0, most + 1);
    while exceeds - fits > 1 {
        let middle = fits + (exceeds - fits) / 2;
        if bytes(shares, middle) <= available { fits = middle } else { exceeds = middle }
    }
    fits
}
