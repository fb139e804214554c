//! Random contents of buffers, made on the GPU.
//!
//! They serve measuring: the weights of models that nobody wants to download, and memory that no driver can have compressed.

use crate::device::Gpu;
use crate::{Buffer, Error, Pipeline, Range, Usage};
use tegula_plan::{Kernel, KernelBinding};

/// What a buffer is filled with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Filling {
    /// Random bits.
    Words,
    /// Halves, evenly between `center - spread` and `center + spread`.
    F16 {
        /// The mean.
        center: f32,
        /// The greatest distance from it.
        spread: f32,
    },
    /// The same in single precision.
    F32 {
        /// The mean.
        center: f32,
        /// The greatest distance from it.
        spread: f32,
    },
}

/// Invocations of a workgroup of `fill.wgsl`.
const WORKGROUP: u32 = 64;
/// Words that an invocation writes.
const WORDS: u32 = 4;

/// The kernel that fills, compiled once.
pub struct Filler {
    gpu: Gpu,
    pipeline: Pipeline,
}

impl Gpu {
    /// Compiles the kernel that fills buffers.
    ///
    /// # Errors
    /// Those of [`Gpu::pipeline`].
    pub async fn filler(&self) -> Result<Filler, Error> {
        let kernel = Kernel {
            name: "fill".into(),
            shader: 0,
            invocations: WORKGROUP,
            workgroup_memory: 0,
            bindings: vec![KernelBinding { name: "output".into(), writes: true }],
        };
        let pipeline = self.own_pipeline(include_str!("fill.wgsl"), &kernel).await?;
        Ok(Filler { gpu: self.clone(), pipeline })
    }
}

impl Filler {
    /// Fills the first `bytes` bytes of a storage buffer, rounded up to whole words. The same seed gives the same contents.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn fill(&self, buffer: &Buffer, bytes: u64, filling: Filling, seed: u32) -> Result<(), Error> {
        if bytes == 0 { Ok(()) } else { self.fill_range(Range { buffer, offset: 0, size: bytes }, filling, seed) }
    }

    /// Fills a range of a storage buffer, as far as that goes; the offset is a multiple of 256.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn fill_range(&self, range: Range<'_>, filling: Filling, seed: u32) -> Result<(), Error> {
        let Range { buffer, offset: begin, size } = range;
        let limits = self.gpu.info().limits;
        let (kind, center, spread) = match filling {
            Filling::Words => (0, 0.0, 0.0),
            Filling::F16 { center, spread } => (1, center, spread),
            Filling::F32 { center, spread } => (2, center, spread),
        };
        let size = if size == 0 { buffer.bytes() } else { size };
        let end = begin.saturating_add(size.next_multiple_of(4)).min(buffer.bytes());
        let part = limits.max_storage_binding & !0xff;
        let mut offset = begin;
        while offset < end {
            let size = part.min(end - offset);
            let words = u32::try_from(size / 4).expect("bindings are smaller than 16 GiB");
            let groups = words.div_ceil(WORKGROUP * WORDS);
            let width = groups.min(limits.workgroups_per_dimension);
            let first = ((offset - begin) / 4) as u32;
            let launch: [u32; 8] = [seed, first, words, width * WORKGROUP, kind, center.to_bits(), spread.to_bits(), 0];
            let uniform = self.gpu.buffer("fill", 32, Usage::Uniform)?;
            self.gpu.write(&uniform, 0, bytemuck::cast_slice(&launch));
            let group = self.gpu.bind("fill", &self.pipeline, Range::whole(&uniform), &[Range { buffer, offset, size }])?;
            let mut pass = self.gpu.pass();
            pass.dispatch(&self.pipeline, &group, [width, groups.div_ceil(width), 1]);
            pass.submit();
            offset += size;
        }
        Ok(())
    }
}
