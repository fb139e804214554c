//! The memory of a host: what each model holds, and how the rest is shared among their caches.
//!
//! Weights and activations are held from the moment a model is loaded until it is unloaded. Nothing
//! else frees them. A cache grows as it fills, up to a limit that is set here. Limits come to no more
//! than the memory that there is, so that a cache never grows into what another model was promised.
//!
//! When a model comes or goes, limits are set anew: caches get equal shares, none more than its model
//! can use and none less than it needs to run. The cache of a model that answers requests keeps its
//! limit, or gets more. The cache of an idle model may lose what it has: no request is in it.
//!
//! Where nobody says how much memory there is, as in a page, there are no limits and this only counts.

use serde::Serialize;
use tegula_plan::PAGE_SIZE;

use crate::model::budget::{LEAST_TOKENS, Memory};
use crate::{HostError, Result};

/// What a model holds, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// Its name.
    pub model: String,
    /// Weights.
    pub weights: u64,
    /// Activations, logits and other buffers of a fixed size.
    pub activations: u64,
    /// Its caches as they are.
    pub cache: u64,
    /// What its caches may grow to.
    pub cache_limit: u64,
}

/// Who holds how much.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Bytes that all models may have. Not limited if absent.
    total: Option<u64>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    /// Its capacity is what the model could use.
    memory: Memory,
    /// Tokens that its cache may hold.
    limit: u32,
    /// Tokens that its cache has room for.
    cached: u32,
}

impl Entry {
    fn fixed(&self) -> u64 {
        self.memory.weights.saturating_add(self.memory.activations)
    }

    fn cache(&self, tokens: u32) -> u64 {
        self.memory.cache_bytes(tokens)
    }

    /// Tokens that its cache must hold.
    fn least(&self, keeps: &impl Fn(&str) -> bool) -> u32 {
        let least = self.memory.capacity.min(LEAST_TOKENS.next_multiple_of(PAGE_SIZE));
        if keeps(&self.name) { self.limit.max(least) } else { least }
    }

    /// Bytes that it cannot give back.
    fn kept(&self, keeps: &impl Fn(&str) -> bool) -> u64 {
        self.fixed().saturating_add(self.cache(self.least(keeps)))
    }
}

impl Ledger {
    /// A ledger of so much memory.
    pub(super) fn new(total: Option<u64>) -> Ledger {
        Ledger { total, entries: Vec::new() }
    }

    /// Whether there is a bound to what models may have.
    pub(super) fn is_limited(&self) -> bool {
        self.total.is_some()
    }

    /// What each model holds.
    #[must_use]
    pub fn holdings(&self) -> Vec<Holding> {
        let holding = |entry: &Entry| Holding {
            model: entry.name.clone(),
            weights: entry.memory.weights,
            activations: entry.memory.activations,
            cache: entry.cache(entry.cached),
            cache_limit: entry.cache(entry.limit),
        };
        self.entries.iter().map(holding).collect()
    }

    /// Bytes that no model holds and none was promised. Not known if there is no limit.
    #[must_use]
    pub fn free(&self) -> Option<u64> {
        let promised = self.entries.iter().map(|entry| entry.fixed().saturating_add(entry.cache(entry.limit)));
        Some(self.total?.saturating_sub(promised.fold(0, u64::saturating_add)))
    }

    /// Tokens that a model's cache may hold.
    pub(super) fn limit(&self, name: &str) -> Option<u32> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| entry.limit)
    }

    /// Notes a model that would take so much if it were alone, and sets limits anew. `keeps` says whose
    /// caches must keep what they were promised.
    ///
    /// # Errors
    /// [`HostError::NoRoom`]. Then nothing has changed.
    pub(super) fn admit(&mut self, name: &str, memory: Memory, keeps: impl Fn(&str) -> bool) -> Result<()> {
        self.entries.push(Entry { name: name.to_owned(), memory, limit: 0, cached: 0 });
        if self.share(&keeps) {
            return Ok(());
        }
        let needed = self.entries.pop().map_or(0, |entry| entry.kept(&keeps));
        let models: Vec<_> = self.entries.iter().map(|entry| (entry.name.clone(), entry.kept(&keeps))).collect();
        let held = models.iter().fold(0, |sum: u64, (_, bytes)| sum.saturating_add(*bytes));
        let total = self.total.unwrap_or(u64::MAX);
        Err(HostError::NoRoom { name: name.into(), needed, available: total.saturating_sub(held), total, models }.into())
    }

    /// Notes what a model has turned out to take, now that it is loaded.
    pub(super) fn note_loaded(&mut self, name: &str, memory: Memory, cached: u32) {
        match self.entries.iter_mut().find(|entry| entry.name == name) {
            Some(entry) => (entry.limit, entry.cached) = (memory.capacity, cached),
            None => self.entries.push(Entry { name: name.to_owned(), limit: memory.capacity, memory, cached }),
        }
    }

    /// Notes how large a cache is.
    pub(super) fn note_cached(&mut self, name: &str, tokens: u32) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.name == name) {
            entry.cached = tokens;
        }
    }

    /// Forgets a model, and sets the limits of the others anew.
    pub(super) fn remove(&mut self, name: &str, keeps: impl Fn(&str) -> bool) {
        self.entries.retain(|entry| entry.name != name);
        self.share(&keeps);
    }

    /// Shares the memory among all caches. False if it does not suffice; then nothing has changed.
    fn share(&mut self, keeps: &impl Fn(&str) -> bool) -> bool {
        let Some(total) = self.total else {
            self.entries.iter_mut().for_each(|entry| entry.limit = entry.memory.capacity);
            return true;
        };
        let fixed = self.entries.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.fixed()));
        let Some(left) = total.checked_sub(fixed) else { return false };
        // Whole pages, so that a share and what a model makes of it agree.
        let at = |entry: &Entry, level: u64| {
            let pages = level / entry.cache(PAGE_SIZE).max(1);
            let tokens = pages.saturating_mul(u64::from(PAGE_SIZE)).min(u64::from(entry.memory.capacity)) as u32;
            tokens.max(entry.least(keeps))
        };
        let fits = |level: u64| {
            let caches = self.entries.iter().map(|entry| entry.cache(at(entry, level)));
            caches.fold(0, u64::saturating_add) <= left
        };
        if !fits(0) {
            return false;
        }
        // The highest level of bytes at which all caches fit.
        let (mut low, mut high) = (0, left);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if fits(middle) { low = middle } else { high = middle - 1 }
        }
        for entry in &mut self.entries {
            entry.limit = at(entry, low);
        }
        true
    }
}
