//! The buffers of a model on the GPU.
//!
//! One for each parameter, one for all small vectors, one for each activation arena and one for each layer's cache: what
//! [`crate::model::budget`] has worked out, for the variant that runs. Only the caches ever change their size.

use crate::Result;
use crate::model::budget::{Sizes, padded};
use std::collections::{BTreeMap, BTreeSet};
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
    /// By group of layers.
    pub rows: Vec<Buffer>,
    pub segments: Buffer,
    /// By group of layers.
    pub page_tables: Vec<Buffer>,
    pub logits: Buffer,
    pub sampled: Buffer,
    pub sampling: Buffer,
    pub stretched: Buffer,
    pub tokens: Buffer,
    arenas: BTreeMap<u32, Buffer>,
    /// By layer.
    caches: BTreeMap<u32, Buffer>,
}

impl Buffers {
    /// Makes all buffers, with caches of so many pages in each group of layers, and writes the vectors that the plan itself holds.
    pub(crate) fn allocate(gpu: &Gpu, plan: &Plan, sizes: &Sizes, pages: &[u32]) -> Result<Buffers> {
        let storage = |label: &str, bytes| gpu.buffer(label, bytes, Usage::Storage);
        let mut buffers = Buffers {
            weights: BTreeMap::new(),
            vectors: storage("vectors", sizes.vectors)?,
            rows: Vec::new(),
            segments: storage("segments", sizes.segments)?,
            page_tables: Vec::new(),
            logits: storage("logits", sizes.logits)?,
            sampled: storage("sampled", sizes.sampled)?,
            sampling: storage("sampling", sizes.sampling)?,
            stretched: storage("stretched", sizes.stretched.max(16))?,
            tokens: storage("tokens", sizes.tokens)?,
            arenas: BTreeMap::new(),
            caches: BTreeMap::new(),
        };
        // Into the struct one by one: those made are freed if a later one fails.
        for (&param, &bytes) in &sizes.weights {
            buffers.weights.insert(param, storage(&plan.params[param as usize].name, bytes)?);
        }
        for (&arena, &bytes) in &sizes.arenas {
            buffers.arenas.insert(arena, storage(&format!("activations {arena}"), bytes)?);
        }
        for (group, &pages) in plan.model.paged().zip(pages) {
            buffers.rows.push(storage("rows", sizes.rows)?);
            buffers.page_tables.push(storage("page table", sizes.page_table)?);
            for &layer in group.layers.iter().filter(|layer| sizes.caches.contains(layer)) {
                buffers.caches.insert(layer, storage(&format!("cache {layer}"), u64::from(pages) * group.page_bytes())?);
            }
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
            Planned::Cache(layer) => whole(self.caches.get(layer)?),
            Planned::Rows(group) => whole(self.rows.get(*group as usize)?),
            Planned::Segments => whole(&self.segments),
            Planned::PageTable(group) => whole(self.page_tables.get(*group as usize)?),
            Planned::Activation { arena, offset, bytes } => (&self.arenas[arena], *offset, padded(*bytes)),
            Planned::Logits { .. } => whole(&self.logits),
            Planned::Sampled => whole(&self.sampled),
            Planned::Sampling => whole(&self.sampling),
            Planned::Stretched => whole(&self.stretched),
            Planned::Tokens => whole(&self.tokens),
        };
        let rest = bytes.checked_sub(binding.offset)?;
        let size = if binding.size == 0 { rest } else { binding.size };
        (size > 0 && size <= rest).then_some(Range { buffer, offset: start + binding.offset, size })
    }

    /// The cache of a layer, if anything binds it.
    pub(crate) fn cache(&self, layer: u32) -> Option<&Buffer> {
        self.caches.get(&layer)
    }

    /// Puts a buffer in the place of a layer's cache. Bind groups that name it must be made again.
    pub(crate) fn set_cache(&mut self, layer: u32, cache: Buffer) {
        self.caches.insert(layer, cache);
    }

    /// The layers that have a cache.
    pub(crate) fn cached_layers(&self) -> BTreeSet<u32> {
        self.caches.keys().copied().collect()
    }

    /// Fills every cache with small random numbers.
    pub(crate) fn fill_caches(&self, plan: &Plan, filler: &Filler, seed: u32) -> Result<()> {
        for group in plan.model.paged() {
            for (layer, cache) in group.layers.iter().filter_map(|layer| Some((layer, self.caches.get(layer)?))) {
                filler.fill(cache, cache.bytes(), noise(group.format), seed.wrapping_add(*layer))?;
            }
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
        let Buffers { weights, vectors, rows, segments, page_tables, logits, sampled, sampling, stretched, tokens, arenas, caches } = self;
        weights.values().chain(arenas.values()).chain(caches.values()).for_each(Buffer::destroy);
        rows.iter().chain(&*page_tables).for_each(Buffer::destroy);
        [vectors, segments, logits, sampled, sampling, stretched, tokens].into_iter().for_each(|buffer| buffer.destroy());
    }
}

/// Noise for a cache.
pub(crate) fn noise(format: Dtype) -> Filling {
    let (center, spread) = (0.0, 1.0);
    if format == Dtype::F16 { Filling::F16 { center, spread } } else { Filling::F32 { center, spread } }
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
