//! Growth of the KV cache.
//!
//! Caches grow layer by layer: a larger one is made, what the old one holds is copied, and the old one is freed before the next is made. So no
//! more than one layer's cache is there twice. Where the device has no memory for a larger cache, a group keeps the pages that it
//! has, and the engine goes on: requests then share the room that there is.

use crate::Result;
use crate::model::capacity;
use crate::model::kv::INITIAL_TOKENS;
use crate::model::step::Model;
use tegula_gpu::{ErrorKind, Usage};
use tegula_plan::{PAGE_SIZE, Paged};

impl Model {
    /// Makes the caches as large as their groups want them. It can be dropped while it waits; then it goes on another time.
    pub(super) async fn enlarge(&mut self) -> Result<()> {
        self.replacing.freed().await;
        let groups: Vec<_> = self.plan.model.paged().cloned().collect();
        for (group, paged) in groups.iter().enumerate() {
            for pages in self.pools.growth(group).into_iter().flatten() {
                if self.enlarge_group(paged, pages).await? {
                    self.pools.grown(group, pages);
                    break;
                }
                self.pools.refuse(group, pages);
            }
        }
        Ok(())
    }

    /// Changes what the caches may grow to: so many tokens in each group, or as many as are of use there. Less than they have room for may be
    /// asked only while no sequence holds any of it: those caches are then made anew, as small as they are at first.
    pub(crate) fn limit_cache(&mut self, tokens: u32) -> Result<()> {
        self.replacing.give_up();
        let groups: Vec<_> = self.plan.model.paged().cloned().collect();
        let lines = capacity::lines(&self.plan.model, &self.buffers.cached_layers(), tokens / PAGE_SIZE);
        for (group, (paged, line)) in groups.iter().zip(&lines).enumerate() {
            let pages = line.capacity / PAGE_SIZE;
            if pages < self.pools.cached_in(group) {
                let few = pages.min(INITIAL_TOKENS / PAGE_SIZE);
                // Whatever fails, every cache has room for so many.
                self.pools.empty(group, &self.plan.model, few);
                for &layer in &paged.layers {
                    let Some(old) = self.buffers.cache(layer).cloned() else { continue };
                    let small = self.gpu.buffer(&format!("cache {layer}"), u64::from(few) * paged.page_bytes(), Usage::Storage)?;
                    self.buffers.set_cache(layer, small);
                    old.destroy();
                    let Model { gpu, plan, variant, pipelines, buffers, programs, .. } = self;
                    programs.iter_mut().try_for_each(|program| program.rebind(gpu, plan, *variant, pipelines, buffers, layer))?;
                }
            }
            self.pools.set_capacity(group, pages);
        }
        self.memory.capacity = lines.iter().map(|line| line.capacity).max().unwrap_or(0);
        self.memory.groups = lines;
        Ok(())
    }

    /// Lets so many bytes of old caches wait to be freed: for tests.
    #[doc(hidden)]
    pub fn free_caches_beyond(&mut self, bytes: u64) {
        self.replacing.leave_unfreed(bytes);
    }

    /// Makes the caches of a group as large as so many pages. False if the device has no memory for that.
    async fn enlarge_group(&mut self, group: &Paged, pages: u32) -> Result<bool> {
        let bytes = u64::from(pages) * group.page_bytes();
        tracing::debug!(tokens = pages * PAGE_SIZE, "the KV cache grows");
        for &layer in &group.layers {
            let Some(old) = self.buffers.cache(layer).cloned().filter(|old| old.bytes() < bytes) else { continue };
            let grown = match self.replacing.make(&self.gpu, layer, bytes).await {
                Ok(grown) => grown,
                Err(error) if is_shortage(&error) => {
                    tracing::warn!(%error, "the KV cache cannot grow");
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            };
            let mut pass = self.gpu.pass();
            pass.copy(&old, 0, &grown, 0, old.bytes());
            pass.submit();
            self.buffers.set_cache(layer, grown);
            old.destroy();
            let Model { gpu, plan, variant, pipelines, buffers, programs, .. } = self;
            programs.iter_mut().try_for_each(|program| program.rebind(gpu, plan, *variant, pipelines, buffers, layer))?;
            self.replacing.copied(&self.gpu, old.bytes()).await;
        }
        Ok(true)
    }
}

/// Whether it is for lack of memory that a buffer was not made.
fn is_shortage(error: &tegula_gpu::Error) -> bool {
    matches!(error.kind(), ErrorKind::OutOfMemory { .. } | ErrorKind::Limit { .. })
}
