//! The buffers of a model on the GPU.
//!
//! One for each parameter, one for all small vectors, one for each activation arena and one for each layer's cache: what
//! [`crate::model::budget`] has worked out, for the variant that runs. Only the caches ever change their size.

use crate::Result;
use crate::model::budget::{Sizes, padded};
use std::collections::BTreeMap;
use tegula_gpu::{Buffer, Filler, Filling, Gpu, Range, Usage};
use tegula_plan::{Binding, Buffer as Planned, Dtype, Plan, VectorSource};

/// Bytes written to the GPU before they are sent off: bounds what an upload holds in memory.
const FLUSH: u64 = 32 << 20;

/// Bytes of a single write.
const WRITE: usize = 8 << 20;

/// Everything that dispatches bind. Dropping it frees the memory.
pub(crate) struct Buffers {
    /// By parameter.
    pub weights: BTreeMap<u32, Buffer>,
    pub vectors: Buffer,
    pub rows: Buffer,
    pub segments: Buffer,
    pub page_table: Buffer,
    pub logits: Buffer,
    pub sampled: Buffer,
    pub sampling: Buffer,
    pub tokens: Buffer,
    /// Pages that each cache has room for.
    pub cache_pages: u32,
    arenas: BTreeMap<u32, Buffer>,
    /// By layer.
    caches: BTreeMap<u32, Buffer>,
    page_bytes: u64,
}

impl Buffers {
    /// Makes all buffers, with caches of `cache_pages` pages, and writes the vectors that the plan itself holds.
    pub(crate) fn allocate(gpu: &Gpu, plan: &Plan, sizes: &Sizes, cache_pages: u32) -> Result<Buffers> {
        let storage = |label: &str, bytes| gpu.buffer(label, bytes, Usage::Storage);
        let page_bytes = plan.model.page_bytes();
        let mut buffers = Buffers {
            weights: BTreeMap::new(),
            vectors: storage("vectors", sizes.vectors)?,
            rows: storage("rows", sizes.rows)?,
            segments: storage("segments", sizes.segments)?,
            page_table: storage("page table", sizes.page_table)?,
            logits: storage("logits", sizes.logits)?,
            sampled: storage("sampled", sizes.sampled)?,
            sampling: storage("sampling", sizes.sampling)?,
            tokens: storage("tokens", sizes.tokens)?,
            cache_pages,
            arenas: BTreeMap::new(),
            caches: BTreeMap::new(),
            page_bytes,
        };
        // Into the struct one by one: those made are freed if a later one fails.
        for (&param, &bytes) in &sizes.weights {
            buffers.weights.insert(param, storage(&plan.params[param as usize].name, bytes)?);
        }
        for (&arena, &bytes) in &sizes.arenas {
            buffers.arenas.insert(arena, storage(&format!("activations {arena}"), bytes)?);
        }
        for &layer in &sizes.caches {
            buffers.caches.insert(layer, storage(&format!("cache {layer}"), u64::from(cache_pages) * page_bytes)?);
        }
        for vector in &plan.vectors {
            if let VectorSource::Values(values) = &vector.source {
                gpu.write(&buffers.vectors, 4 * u64::from(vector.offset), bytemuck::cast_slice(values));
            }
        }
        Ok(buffers)
    }

    /// What a binding names; `None` where it lies outside its buffer.
    pub(crate) fn range(&self, plan: &Plan, binding: &Binding) -> Option<Range<'_>> {
        // Of an arena, a buffer has its own part only.
        let (buffer, start, bytes) = match &plan.buffers[binding.buffer as usize] {
            Planned::Weight(param) => whole(&self.weights[param]),
            Planned::Vectors => whole(&self.vectors),
            Planned::Cache(layer) => whole(&self.caches[layer]),
            Planned::Rows => whole(&self.rows),
            Planned::Segments => whole(&self.segments),
            Planned::PageTable => whole(&self.page_table),
            Planned::Activation { arena, offset, bytes } => (&self.arenas[arena], *offset, padded(*bytes)),
            Planned::Logits { .. } => whole(&self.logits),
            Planned::Sampled => whole(&self.sampled),
            Planned::Sampling => whole(&self.sampling),
            Planned::Tokens => whole(&self.tokens),
        };
        let rest = bytes.checked_sub(binding.offset)?;
        let size = if binding.size == 0 { rest } else { binding.size };
        (size > 0 && size <= rest).then_some(Range { buffer, offset: start + binding.offset, size })
    }

    /// Makes room for `pages` pages in every cache, keeping what is in them. Bind groups that name caches must be made again. If it fails,
    /// every cache is as it was.
    pub(crate) fn grow(&mut self, gpu: &Gpu, pages: u32) -> Result<()> {
        let bytes = u64::from(pages) * self.page_bytes;
        let mut grown = BTreeMap::new();
        for layer in self.caches.keys() {
            match gpu.buffer(&format!("cache {layer}"), bytes, Usage::Storage) {
                Ok(buffer) => grown.insert(*layer, buffer),
                Err(error) => {
                    grown.values().for_each(Buffer::destroy);
                    return Err(error.into());
                }
            };
        }
        let mut pass = gpu.pass();
        for (layer, old) in &self.caches {
            pass.copy(old, 0, &grown[layer], 0, old.bytes());
        }
        pass.submit();
        self.caches.values().for_each(Buffer::destroy);
        self.caches = grown;
        self.cache_pages = pages;
        Ok(())
    }

    /// Fills every cache with small random numbers.
    pub(crate) fn fill_caches(&self, filler: &Filler, dtype: Dtype, seed: u32) -> Result<()> {
        let (center, spread) = (0.0, 1.0);
        let filling = if dtype == Dtype::F16 { Filling::F16 { center, spread } } else { Filling::F32 { center, spread } };
        for (layer, cache) in &self.caches {
            filler.fill(cache, cache.bytes(), filling, seed.wrapping_add(*layer))?;
        }
        Ok(())
    }

    /// Takes uploads, of which `unsent` bytes have not been sent off yet.
    pub(crate) fn sink<'a>(&'a self, gpu: &'a Gpu, unsent: &'a mut u64) -> impl Sink + 'a {
        Upload { buffers: self, gpu, unsent }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        let Buffers { weights, vectors, rows, segments, page_table, logits, sampled, sampling, tokens, arenas, caches, .. } = self;
        weights.values().chain(arenas.values()).chain(caches.values()).for_each(Buffer::destroy);
        [vectors, rows, segments, page_table, logits, sampled, sampling, tokens].into_iter().for_each(|buffer| buffer.destroy());
    }
}

fn whole(buffer: &Buffer) -> (&Buffer, u64, u64) {
    (buffer, 0, buffer.bytes())
}

/// Takes what a shard brings.
pub(crate) trait Sink {
    /// Writes whole words at a multiple of 4 bytes.
    fn write(&mut self, place: Place, offset: u64, bytes: &[u8]);
}

/// A buffer that weights go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The buffer of a parameter, by index in the plan.
    Weight(u32),
    /// The vectors arena.
    Vectors,
}

struct Upload<'a> {
    buffers: &'a Buffers,
    gpu: &'a Gpu,
    unsent: &'a mut u64,
}

impl Sink for Upload<'_> {
    fn write(&mut self, place: Place, offset: u64, bytes: &[u8]) {
        let buffer = match place {
            Place::Weight(param) => &self.buffers.weights[&param],
            Place::Vectors => &self.buffers.vectors,
        };
        for (index, piece) in (0..).zip(bytes.chunks(WRITE)) {
            self.gpu.write(buffer, offset + index * WRITE as u64, piece);
            *self.unsent += piece.len() as u64;
            if *self.unsent >= FLUSH {
                self.gpu.flush();
                *self.unsent = 0;
            }
        }
    }
}
