//! The pages of all groups of layers.
//!
//! A sequence holds pages in each group: for every token if the layers of the group see all tokens, for a window if they do not. It can go
//! on only if every group has room.

use crate::model::kv::{Change, Pages};
use tegula_plan::{Model, PAGE_SIZE};

/// Whether there is room for tokens of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It is made.
    Ready,
    /// There can be, once the caches have grown ([`crate::model::forward::Forward::grow`]).
    Grow,
    /// There is not, unless others give up theirs.
    Full,
}

/// What all groups hold for a page's worth of tokens of a sequence: a page each, or none where no row to come sees it.
pub type Block = Box<[Option<u32>]>;

/// Pages by group.
#[derive(Clone, Debug)]
pub struct Pools {
    pools: Vec<Pool>,
}

#[derive(Clone, Debug)]
struct Pool {
    pages: Pages,
    window: Option<u32>,
    /// Pages that the caches have.
    cached: u32,
    /// Pages that they should have.
    wanted: u32,
    /// Pages without which a sequence cannot go on.
    needed: u32,
}

impl Pools {
    /// Bookkeeping for groups of a model whose caches can grow to so many pages each.
    #[must_use]
    pub fn new(model: &Model, capacities: &[u32]) -> Pools {
        let pool = |(group, &capacity): (&tegula_plan::Paged, &u32)| Pool {
            pages: Pages::new(capacity, model.max_batch_size, model.pages_per_sequence()),
            window: group.window,
            cached: 0,
            wanted: 0,
            needed: 0,
        };
        Pools { pools: model.paged().zip(capacities).map(pool).collect() }
    }

    /// Makes room for the positions of a sequence below `tokens`; groups with a window need it only for those below `next`, since it makes the
    /// rest. If it is not [`Room::Ready`], nothing has changed.
    ///
    /// # Panics
    /// If there is no such sequence.
    pub fn reserve(&mut self, sequence: u32, next: u32, tokens: u32) -> Room {
        let mut room = Room::Ready;
        for pool in &mut self.pools {
            let tokens = if pool.window.is_some() { next.min(tokens) } else { tokens };
            match pool.pages.demand(sequence, tokens) {
                None => return Room::Full,
                Some(demand) if demand > pool.cached => {
                    // By doubling, so that a long answer moves caches only a few times.
                    pool.wanted = demand.next_power_of_two().min(pool.pages.capacity()).max(pool.wanted);
                    pool.needed = demand;
                    room = Room::Grow;
                }
                Some(_) => {}
            }
        }
        if room == Room::Ready {
            for pool in &mut self.pools {
                let tokens = if pool.window.is_some() { next.min(tokens) } else { tokens };
                let reserved = pool.pages.reserve(sequence, tokens);
                debug_assert!(reserved, "the demand was met above");
            }
        }
        room
    }

    /// Frees what rows from position `first` on do not see.
    ///
    /// # Panics
    /// If there is no such sequence.
    pub fn forget(&mut self, sequence: u32, first: u32) {
        for Pool { pages, window, .. } in &mut self.pools {
            if let Some(window) = *window {
                pages.forget(sequence, (first + 1).saturating_sub(window));
            }
        }
    }

    /// Frees all pages of a sequence.
    ///
    /// # Panics
    /// If there is no such sequence.
    pub fn release(&mut self, sequence: u32) {
        self.pools.iter_mut().for_each(|pool| pool.pages.release(sequence));
    }

    /// What a sequence holds for its tokens from `index` times [`PAGE_SIZE`] on. All of it has one more holder.
    pub fn keep(&mut self, sequence: u32, index: usize) -> Block {
        self.pools.iter_mut().map(|pool| pool.pages.keep(sequence, index)).collect()
    }

    /// Lets go of what [`Pools::keep`] gave.
    pub fn free(&mut self, block: &[Option<u32>]) {
        for (pool, page) in self.pools.iter_mut().zip(block) {
            page.iter().for_each(|page| pool.pages.free(*page));
        }
    }

    /// Lets a sequence that holds nothing begin with what others computed.
    ///
    /// # Panics
    /// If the sequence holds pages, or there is no such sequence.
    pub fn adopt(&mut self, sequence: u32, blocks: &[Block]) {
        for (group, pool) in self.pools.iter_mut().enumerate() {
            let pages: Vec<Option<u32>> = blocks.iter().map(|block| block[group]).collect();
            pool.pages.adopt(sequence, &pages);
        }
    }

    /// Where the key and value of a position go in the caches of a group.
    #[must_use]
    pub fn slot(&self, group: usize, sequence: u32, position: u32) -> Option<u32> {
        self.pools.get(group)?.pages.slot(sequence, position)
    }

    /// New entries of a sequence's row in the page table of a group.
    ///
    /// # Panics
    /// If there is no such group or sequence.
    pub fn changes(&mut self, group: usize, sequence: u32) -> Option<Change<'_>> {
        self.pools[group].pages.changes(sequence)
    }

    /// How many groups there are.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.pools.len()
    }

    /// Pages that the caches of a group should have, where that is more than they have, and pages that would do.
    #[must_use]
    pub fn growth(&self, group: usize) -> Option<[u32; 2]> {
        let &Pool { cached, wanted, needed, .. } = self.pools.get(group)?;
        (wanted > cached).then_some([wanted, if needed > cached { needed } else { wanted }])
    }

    /// Notes how many pages the caches of a group have now.
    pub fn grown(&mut self, group: usize, pages: u32) {
        if let Some(pool) = self.pools.get_mut(group) {
            pool.cached = pages;
        }
    }

    /// Notes that the device has no memory for caches of a group with so many pages. Smaller ones may still be had.
    pub fn refuse(&mut self, group: usize, pages: u32) {
        if let Some(pool) = self.pools.get_mut(group) {
            pool.pages.limit(pages.saturating_sub(1).max(pool.cached));
            (pool.wanted, pool.needed) = (0, 0);
        }
    }

    /// Changes how many pages the caches of a group can grow to: no fewer than are in use.
    pub fn set_capacity(&mut self, group: usize, pages: u32) {
        if let Some(pool) = self.pools.get_mut(group) {
            pool.pages.set_capacity(pages);
        }
    }

    /// Forgets all pages of a group, of which no sequence holds any. Its caches now have so many, and cannot grow.
    pub fn empty(&mut self, group: usize, model: &Model, pages: u32) {
        if let Some(pool) = self.pools.get_mut(group) {
            pool.pages = Pages::new(pages, model.max_batch_size, model.pages_per_sequence());
            (pool.cached, pool.wanted, pool.needed) = (pages, 0, 0);
        }
    }

    /// Pages that the caches of a group have.
    #[must_use]
    pub fn cached_in(&self, group: usize) -> u32 {
        self.pools.get(group).map_or(0, |pool| pool.cached)
    }

    /// Pages that every cache has.
    #[must_use]
    pub fn cached(&self) -> u32 {
        self.pools.iter().map(|pool| pool.cached).min().unwrap_or(0)
    }

    /// The most tokens of one sequence, alone in the caches.
    #[must_use]
    pub fn capacity(&self, model: &Model) -> u32 {
        let most = |(group, pool): (&tegula_plan::Paged, &Pool)| {
            let tokens = pool.pages.capacity().saturating_mul(PAGE_SIZE);
            match group.held(model.prefill_chunk_size) {
                Some(held) if held <= tokens => u32::MAX,
                _ => tokens,
            }
        };
        model.paged().zip(&self.pools).map(most).min().unwrap_or(u32::MAX).min(model.context_window_size)
    }

    /// Pages of each group that are free or were never used.
    #[must_use]
    pub fn available(&self) -> Vec<u32> {
        self.pools.iter().map(|pool| pool.pages.available()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Pools, Room};
    use tegula_plan::{Activations, Dtype, Model, Paged, State};

    fn pools(capacities: [u32; 2]) -> Pools {
        let group =
            |layers: &[u32], window| State::Paged(Paged { layers: layers.into(), kv_heads: 1, head_dim: 1, format: Dtype::F32, window });
        let state = vec![group(&[0, 2], Some(20)), group(&[1, 3], None)];
        let model = Model {
            architecture: "two groups".into(),
            quantization: "q0f32".into(),
            vocab_size: 1,
            hidden_size: 1,
            layers: 4,
            query_heads: 1,
            context_window_size: 160,
            state,
            prefill_chunk_size: 4,
            max_batch_size: 2,
            activations: Activations::Float,
            stretched_after: None,
            fingerprint: Default::default(),
        };
        let mut pools = Pools::new(&model, &capacities);
        (0..2).for_each(|group| pools.grown(group, capacities[group]));
        assert_eq!(pools.capacity(&model), 160.min(capacities[1] * 16), "a window and a chunk fit");
        pools
    }

    #[test]
    fn windows_free_pages_of_their_own_group() {
        let mut pools = pools([8, 20]);
        assert_eq!(pools.reserve(0, 4, 100), Room::Ready, "of the window's group only what is next");
        assert_eq!(pools.available(), [7, 13]);
        for next in (4..=100).step_by(4) {
            assert_eq!(pools.reserve(0, next, 100), Room::Ready);
            pools.forget(0, next);
            assert!(pools.available()[0] >= 5, "{next}: a window of 20 is in three pages at most");
        }
        assert_eq!(pools.available(), [6, 13]);
        assert_eq!((pools.slot(0, 0, 70), pools.slot(1, 0, 0).is_some()), (None, true));
        assert!(pools.slot(0, 0, 99).is_some() && pools.slot(1, 0, 99).is_some());
        pools.release(0);
        assert_eq!(pools.available(), [8, 20]);
    }

    #[test]
    fn a_group_without_room_changes_none() {
        let mut pools = pools([8, 3]);
        assert_eq!(pools.reserve(0, 33, 33), Room::Ready);
        assert_eq!(pools.reserve(1, 5, 5), Room::Full);
        assert_eq!(pools.available(), [5, 0]);
    }

    #[test]
    fn caches_grow_by_doubling_and_may_stop() {
        let mut pools = pools([8, 20]);
        pools.grown(0, 2);
        pools.grown(1, 2);
        assert_eq!(pools.reserve(0, 30, 50), Room::Grow);
        assert_eq!((pools.growth(0), pools.growth(1), pools.available()), (None, Some([4, 4]), vec![8, 20]));
        pools.grown(1, 4);
        assert_eq!((pools.growth(1), pools.reserve(0, 30, 50)), (None, Room::Ready));
        assert_eq!(pools.reserve(0, 65, 65), Room::Grow);
        assert_eq!((pools.growth(0), pools.growth(1)), (Some([8, 5]), Some([8, 5])));
        pools.refuse(1, 5);
        assert_eq!((pools.growth(1), pools.reserve(0, 65, 65), pools.available()), (None, Room::Full, vec![6, 0]));
        assert_eq!(pools.reserve(0, 32, 64), Room::Ready);
    }
}
