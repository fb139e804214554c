//! Pages of the KV cache: which sequence holds which.
//!
//! The cache is cut into pages of [`PAGE_SIZE`] tokens. A sequence names its pages in order in its row of the page table. So it grows
//! without being moved, and leaves no gaps when it ends. Pages count their holders, so that sequences with a common beginning can share
//! pages. With a sliding window, a sequence gives back the pages that no later token sees.
//!
//! The lowest free page is always taken first. So the buffers need to be no larger than the highest page in use, and grow late.
//!
//! This is bookkeeping for one group of layers, without a GPU. [`crate::model::pools`] has one for each group. [`crate::model::step`]
//! uploads the tables.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use tegula_plan::PAGE_SIZE;

/// Tokens that the KV cache has room for before it grows.
pub const INITIAL_TOKENS: u32 = 512;

/// Who holds which page.
#[derive(Clone, Debug)]
pub struct Pages {
    /// Most pages there can be.
    capacity: u32,
    /// Most pages of a sequence: entries in its row of the page table.
    per_sequence: u32,
    /// How many sequences hold each page that was ever used.
    holders: Vec<u32>,
    /// Pages that were used and are free again, the lowest first.
    free: BinaryHeap<Reverse<u32>>,
    sequences: Vec<Sequence>,
}

/// The row of a sequence.
#[derive(Clone, Debug, Default)]
struct Sequence {
    /// The page of each page's worth of tokens, those given back included.
    pages: Vec<u32>,
    /// How many of them were given back, from the start.
    forgotten: usize,
    /// How many of them the GPU's table has.
    uploaded: usize,
}

/// New entries of a sequence's row, for the GPU's copy of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// Place of the first in the row.
    pub first: u32,
    /// The entries.
    pub pages: &'a [u32],
}

impl Pages {
    /// Bookkeeping for `sequences` sequences of at most `per_sequence` pages each, `capacity` pages in all.
    #[must_use]
    pub fn new(capacity: u32, sequences: u32, per_sequence: u32) -> Self {
        let sequences = vec![Sequence::default(); sequences as usize];
        Pages { capacity, per_sequence, holders: Vec::new(), free: BinaryHeap::new(), sequences }
    }

    /// Changes how many pages there can be, no fewer than are in use.
    pub(crate) fn set_capacity(&mut self, capacity: u32) {
        self.capacity = capacity;
    }

    /// Pages that the cache must have once `sequence` holds its first `tokens` positions; `None` if there are not enough.
    ///
    /// # Panics
    /// If there is no such sequence.
    #[must_use]
    pub fn demand(&self, sequence: u32, tokens: u32) -> Option<u32> {
        let needed = tokens.div_ceil(PAGE_SIZE);
        if needed > self.per_sequence {
            return None;
        }
        let more = (needed as usize).saturating_sub(self.of(sequence).pages.len());
        let beyond = more.saturating_sub(self.free.len());
        let used = self.holders.len() + beyond;
        (used <= self.capacity as usize).then_some(used as u32)
    }

    /// Makes room for the first `tokens` positions of a sequence. False if there are not enough pages; then nothing has changed.
    ///
    /// # Panics
    /// If there is no such sequence.
    pub fn reserve(&mut self, sequence: u32, tokens: u32) -> bool {
        if self.demand(sequence, tokens).is_none() {
            return false;
        }
        while self.of(sequence).pages.len() < tokens.div_ceil(PAGE_SIZE) as usize {
            let page = self.free.pop().map_or(self.holders.len() as u32, |Reverse(page)| page);
            match self.holders.get_mut(page as usize) {
                Some(holders) => *holders = 1,
                None => self.holders.push(1),
            }
            self.sequences[sequence as usize].pages.push(page);
        }
        true
    }

    /// The page that a sequence holds for its tokens from `index` times [`PAGE_SIZE`] on, which then has one more holder. None where there is
    /// no such page, or it was given back.
    pub fn keep(&mut self, sequence: u32, index: usize) -> Option<u32> {
        let Sequence { pages, forgotten, .. } = self.sequences.get(sequence as usize)?;
        let page = *pages.get(index).filter(|_| index >= *forgotten)?;
        self.holders[page as usize] += 1;
        Some(page)
    }

    /// Lets go of a page that [`Pages::keep`] gave.
    pub fn free(&mut self, page: u32) {
        self.give_back(&[page]);
    }

    /// Lets a sequence that holds nothing begin with pages that others computed. Those at the start may be missing, as if they had been given
    /// back.
    ///
    /// # Panics
    /// If the sequence holds pages, or there is no such sequence.
    pub fn adopt(&mut self, sequence: u32, pages: &[Option<u32>]) {
        assert!(self.of(sequence).pages.is_empty(), "only an empty sequence can begin with shared pages");
        let forgotten = pages.iter().rposition(Option::is_none).map_or(0, |last| last + 1);
        // The table names some page in the place of one that is missing, and no kernel looks there.
        let pages: Vec<u32> = pages.iter().map(|page| page.unwrap_or_default()).collect();
        for &page in &pages[forgotten..] {
            self.holders[page as usize] += 1;
        }
        self.sequences[sequence as usize] = Sequence { pages, forgotten, uploaded: 0 };
    }

    /// Gives back the pages that lie wholly below `position`.
    ///
    /// # Panics
    /// If there is no such sequence.
    pub fn forget(&mut self, sequence: u32, position: u32) {
        let Sequence { pages, forgotten, .. } = &mut self.sequences[sequence as usize];
        let below = pages.len().min((position / PAGE_SIZE) as usize);
        let past = pages[(*forgotten).min(below)..below].to_vec();
        *forgotten = below.max(*forgotten);
        self.give_back(&past);
    }

    /// Gives back all pages of a sequence, which then holds nothing.
    ///
    /// # Panics
    /// If there is no such sequence.
    pub fn release(&mut self, sequence: u32) {
        let Sequence { pages, forgotten, .. } = std::mem::take(&mut self.sequences[sequence as usize]);
        self.give_back(&pages[forgotten..]);
    }

    fn give_back(&mut self, pages: &[u32]) {
        for &page in pages {
            let holders = &mut self.holders[page as usize];
            *holders -= 1;
            if *holders == 0 {
                self.free.push(Reverse(page));
            }
        }
    }

    /// Where the key and value of a position go: page times [`PAGE_SIZE`] plus the place in the page. `None` unless it is reserved and not
    /// forgotten.
    #[must_use]
    pub fn slot(&self, sequence: u32, position: u32) -> Option<u32> {
        let Sequence { pages, forgotten, .. } = self.sequences.get(sequence as usize)?;
        let index = (position / PAGE_SIZE) as usize;
        let page = pages.get(index).filter(|_| index >= *forgotten)?;
        Some(page * PAGE_SIZE + position % PAGE_SIZE)
    }

    /// Entries of a sequence's row that came since this was last asked. Entries of pages that were given back stay in the GPU's copy: they
    /// name pages that exist, and no kernel uses what is in them.
    ///
    /// # Panics
    /// If there is no such sequence.
    pub fn changes(&mut self, sequence: u32) -> Option<Change<'_>> {
        let Sequence { pages, uploaded, .. } = &mut self.sequences[sequence as usize];
        let first = std::mem::replace(uploaded, pages.len());
        (first < pages.len()).then(|| Change { first: first as u32, pages: &pages[first..] })
    }

    /// Most pages there can be.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Lets there be no more than so many pages, or than are in use.
    pub fn limit(&mut self, capacity: u32) {
        self.capacity = self.capacity.min(capacity.max(self.holders.len() as u32));
    }

    /// Pages that are free or were never used.
    #[must_use]
    pub fn available(&self) -> u32 {
        self.capacity - self.holders.len() as u32 + self.free.len() as u32
    }

    fn of(&self, sequence: u32) -> &Sequence {
        self.sequences.get(sequence as usize).expect("sequences are numbered below the batch size")
    }
}

#[cfg(test)]
#[path = "kv_tests.rs"]
mod tests;
