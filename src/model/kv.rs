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

    /// Lets `to`, which holds nothing, share the first `tokens` positions of `from`, whole pages only. Gives how many those are.
    ///
    /// # Panics
    /// If `to` holds pages, or there is no such sequence.
    pub fn share(&mut self, from: u32, to: u32, tokens: u32) -> u32 {
        assert!(self.of(to).pages.is_empty(), "only an empty sequence can begin with shared pages");
        let source = self.of(from);
        if source.forgotten > 0 {
            return 0;
        }
        let whole = source.pages.len().min((tokens / PAGE_SIZE) as usize);
        let pages = source.pages[..whole].to_vec();
        for &page in &pages {
            self.holders[page as usize] += 1;
        }
        self.sequences[to as usize].pages = pages;
        whole as u32 * PAGE_SIZE
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
mod tests {
    use super::{Change, Pages};

    #[test]
    fn a_sequence_grows_page_by_page() {
        let mut pages = Pages::new(8, 2, 4);
        assert_eq!(pages.demand(0, 1), Some(1));
        assert!(pages.reserve(0, 1) && pages.reserve(1, 16) && pages.reserve(0, 17));
        assert_eq!([pages.slot(0, 0), pages.slot(0, 15), pages.slot(0, 16), pages.slot(1, 3)], [0, 15, 32, 19].map(Some));
        assert_eq!(pages.slot(0, 32), None, "not reserved");
        assert_eq!(pages.slot(9, 0), None, "no such sequence");
        assert_eq!(pages.available(), 5);
        assert!(pages.reserve(0, 5), "less than before changes nothing");
        assert_eq!(pages.available(), 5);
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut pages = Pages::new(3, 2, 3);
        assert!(pages.reserve(0, 32));
        assert!(!pages.reserve(1, 17), "two pages, one left");
        assert!(!pages.reserve(0, 49), "more than a row of the table");
        assert_eq!((pages.available(), pages.slot(1, 0)), (1, None));
        assert!(pages.reserve(1, 16) && !pages.reserve(0, 33));
        pages.release(1);
        assert!(pages.reserve(0, 33));
        assert_eq!(pages.slot(0, 32), Some(32));
    }

    #[test]
    fn the_lowest_free_page_is_taken_first() {
        let mut pages = Pages::new(16, 3, 8);
        assert!(pages.reserve(0, 48) && pages.reserve(1, 16) && pages.reserve(2, 16));
        pages.release(1);
        pages.release(0);
        assert_eq!(pages.demand(2, 65), Some(5), "free pages are used before the cache grows");
        assert!(pages.reserve(2, 65));
        assert_eq!([16, 32, 48, 64].map(|position| pages.slot(2, position)), [0, 16, 32, 48].map(Some));
        assert_eq!(pages.demand(1, 16), Some(6));
    }

    #[test]
    fn pages_behind_the_window_go_back_once() {
        let mut pages = Pages::new(4, 2, 100);
        assert!(pages.reserve(0, 48));
        pages.forget(0, 31);
        assert_eq!((pages.slot(0, 15), pages.slot(0, 16)), (None, Some(16)));
        assert_eq!(pages.available(), 2);
        pages.forget(0, 31);
        pages.forget(0, 16);
        assert_eq!(pages.available(), 2);
        // The sequence runs on for longer than the cache is.
        for tokens in 49..1000 {
            pages.forget(0, tokens - 32);
            assert!(pages.reserve(0, tokens), "{tokens}");
        }
        pages.forget(0, u32::MAX);
        assert_eq!(pages.available(), 4);
        pages.release(0);
        assert_eq!(pages.available(), 4);
    }

    #[test]
    fn shared_pages_stay_until_the_last_holder_goes() {
        let mut pages = Pages::new(4, 3, 4);
        assert!(pages.reserve(0, 40));
        assert_eq!(pages.share(0, 1, 39), 32, "whole pages only");
        assert_eq!(pages.share(0, 2, 16), 16);
        assert_eq!((pages.slot(1, 31), pages.slot(1, 32), pages.available()), (Some(31), None, 1));
        pages.release(0);
        assert_eq!(pages.available(), 2);
        assert!(pages.reserve(1, 33), "its own page from here on");
        pages.forget(1, 16);
        assert_eq!(pages.available(), 1, "the first page has another holder");
        pages.release(2);
        assert_eq!(pages.available(), 2);
        assert_eq!(pages.share(1, 0, 32), 0, "its beginning is gone");
    }

    #[test]
    fn changes_are_told_once() {
        let mut pages = Pages::new(8, 2, 8);
        assert_eq!(pages.changes(1), None);
        assert!(pages.reserve(1, 17));
        assert_eq!(pages.changes(1), Some(Change { first: 0, pages: &[0, 1] }));
        assert_eq!(pages.changes(1), None);
        assert!(pages.reserve(1, 33));
        assert_eq!(pages.changes(1), Some(Change { first: 2, pages: &[2] }));
        pages.release(1);
        assert!(pages.reserve(1, 1));
        assert_eq!(pages.changes(1), Some(Change { first: 0, pages: &[0] }), "a new sequence in the same row");
    }
}
