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

use std::collections::BTreeMap;

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
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
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

    fn least(&self) -> u32 {
        self.memory.capacity.min(LEAST_TOKENS.next_multiple_of(PAGE_SIZE))
    }
}

impl Ledger {
    /// A ledger of so much memory.
    pub(super) fn new(total: Option<u64>) -> Ledger {
        Ledger { total, entries: BTreeMap::new() }
    }

    /// Whether there is a bound to what models may have.
    pub(super) fn is_limited(&self) -> bool {
        self.total.is_some()
    }

    /// What each model holds, by name.
    #[must_use]
    pub fn holdings(&self) -> Vec<Holding> {
        let holding = |(name, entry): (&String, &Entry)| Holding {
            model: name.clone(),
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
        let promised = self.entries.values().map(|entry| entry.fixed().saturating_add(entry.cache(entry.limit)));
        Some(self.total?.saturating_sub(promised.fold(0, u64::saturating_add)))
    }

    /// Notes a model that would take so much if it were alone. Gives the new limits of caches, in
    /// tokens by name. `keeps` says whose caches must keep what they were promised.
    ///
    /// # Errors
    /// [`HostError::NoRoom`]. Then nothing has changed.
    pub(super) fn admit(&mut self, name: &str, memory: Memory, keeps: impl Fn(&str) -> bool) -> Result<BTreeMap<String, u32>> {
        let entry = Entry { memory, limit: 0, cached: 0 };
        let needed = entry.fixed().saturating_add(entry.cache(entry.least()));
        self.entries.insert(name.to_owned(), entry);
        let limits = self.share(&keeps);
        match (limits, self.total) {
            (Some(limits), _) => {
                self.note_limits(&limits);
                Ok(limits)
            }
            (None, total) => {
                self.entries.remove(name);
                let models: Vec<_> = self.entries.iter().map(|(name, entry)| (name.clone(), kept(name, entry, &keeps))).collect();
                let total = total.unwrap_or(u64::MAX);
                let held = models.iter().fold(0, |sum: u64, (_, bytes)| sum.saturating_add(*bytes));
                Err(HostError::NoRoom { name: name.into(), needed, available: total.saturating_sub(held), total, models }.into())
            }
        }
    }

    /// Notes what a model has turned out to take, now that it is loaded.
    pub(super) fn note_loaded(&mut self, name: &str, memory: Memory, cached: u32) {
        match self.entries.get_mut(name) {
            Some(entry) => (entry.limit, entry.cached) = (memory.capacity, cached),
            None => {
                self.entries.insert(name.to_owned(), Entry { limit: memory.capacity, memory, cached });
            }
        }
    }

    /// Notes how large a cache is.
    pub(super) fn note_cached(&mut self, name: &str, tokens: u32) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.cached = tokens;
        }
    }

    fn note_limits(&mut self, limits: &BTreeMap<String, u32>) {
        for (name, tokens) in limits {
            if let Some(entry) = self.entries.get_mut(name) {
                entry.limit = *tokens;
            }
        }
    }

    /// Forgets a model. Gives the new limits of the caches of the others.
    pub(super) fn remove(&mut self, name: &str, keeps: impl Fn(&str) -> bool) -> BTreeMap<String, u32> {
        self.entries.remove(name);
        let limits = self.share(&keeps).unwrap_or_default();
        self.note_limits(&limits);
        limits
    }

    /// Shares the memory among all caches; nothing if it does not suffice.
    fn share(&self, keeps: &impl Fn(&str) -> bool) -> Option<BTreeMap<String, u32>> {
        let Some(total) = self.total else {
            return Some(self.entries.iter().map(|(name, entry)| (name.clone(), entry.memory.capacity)).collect());
        };
        let fixed = self.entries.values().fold(0, |sum: u64, entry| sum.saturating_add(entry.fixed()));
        let left = total.checked_sub(fixed)?;
        let least = |name: &str, entry: &Entry| if keeps(name) { entry.limit.max(entry.least()) } else { entry.least() };
        // Whole pages, so that a share and what a model makes of it agree.
        let at = |level: u64| {
            self.entries.iter().map(move |(name, entry)| {
                let pages = level / entry.cache(PAGE_SIZE).max(1);
                let tokens = pages.saturating_mul(u64::from(PAGE_SIZE)).min(u64::from(entry.memory.capacity)) as u32;
                (name, entry, tokens.max(least(name, entry)))
            })
        };
        let fits = |level: u64| at(level).fold(0, |sum: u64, (_, entry, tokens)| sum.saturating_add(entry.cache(tokens))) <= left;
        if !fits(0) {
            return None;
        }
        // The highest level of bytes at which all caches fit.
        let (mut low, mut high) = (0, left);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if fits(middle) { low = middle } else { high = middle - 1 }
        }
        Some(at(low).map(|(name, _, tokens)| (name.clone(), tokens)).collect())
    }
}

/// Bytes that a model cannot give back.
fn kept(name: &str, entry: &Entry, keeps: &impl Fn(&str) -> bool) -> u64 {
    let tokens = if keeps(name) { entry.limit } else { entry.least() };
    entry.fixed().saturating_add(entry.cache(tokens))
}
