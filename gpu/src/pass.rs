//! A sequence of dispatches and copies, submitted at once.

use crate::device::Gpu;
use crate::readback::Readback;
use crate::{BindGroup, Buffer, Error, ErrorKind, Pipeline, Range};

/// Dispatches that the GPU runs in order, each seeing what those before it wrote: one encoder and, unless copies come between, one compute
/// pass. Nothing happens until it is submitted.
pub struct Pass {
    gpu: Gpu,
    encoder: wgpu::CommandEncoder,
    pass: Option<wgpu::ComputePass<'static>>,
}

impl Gpu {
    /// Begins a pass.
    #[must_use]
    pub fn pass(&self) -> Pass {
        let encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        Pass { gpu: self.clone(), encoder, pass: None }
    }

    /// Reads bytes of a buffer, after all that was submitted.
    ///
    /// # Errors
    /// [`ErrorKind::Binding`] when the range does not lie within the buffer; [`ErrorKind::Lost`].
    pub async fn read(&self, buffer: &Buffer, offset: u64, bytes: u64) -> Result<Vec<u8>, Error> {
        if bytes == 0 {
            return Ok(Vec::new());
        }
        self.pass().submit_reading(&[Range { buffer, offset, size: bytes }])?.bytes().await
    }
}

impl Pass {
    /// Launches `grid` workgroups of a kernel. None when any of the three numbers is zero.
    pub fn dispatch(&mut self, pipeline: &Pipeline, group: &BindGroup, grid: [u32; 3]) {
        if grid.contains(&0) {
            return;
        }
        let encoder = &mut self.encoder;
        let pass = self.pass.get_or_insert_with(|| encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()).forget_lifetime());
        pass.set_pipeline(&pipeline.raw);
        pass.set_bind_group(0, &group.raw, &[]);
        pass.dispatch_workgroups(grid[0], grid[1], grid[2]);
    }

    /// Copies bytes between two buffers, after the dispatches so far. Offsets and length are multiples of 4.
    pub fn copy(&mut self, from: &Buffer, from_offset: u64, to: &Buffer, to_offset: u64, bytes: u64) {
        self.pass = None;
        self.encoder.copy_buffer_to_buffer(&from.raw, from_offset, &to.raw, to_offset, bytes);
    }

    /// Sets bytes of a buffer to zero, after the dispatches so far. Offset and length are multiples of 4.
    pub fn clear(&mut self, buffer: &Buffer, offset: u64, bytes: u64) {
        self.pass = None;
        self.encoder.clear_buffer(&buffer.raw, offset, Some(bytes));
    }

    /// Hands everything to the GPU.
    pub fn submit(self) {
        let Pass { gpu, encoder, pass } = self;
        drop(pass);
        gpu.queue().submit([encoder.finish()]);
    }

    /// Hands everything to the GPU, with copies of `ranges` at the end, to be awaited whenever: several may be under way at once. Their
    /// bytes come one after another. Offsets and sizes are multiples of 4.
    ///
    /// # Errors
    /// [`ErrorKind::Binding`] when a range does not lie within its buffer; [`ErrorKind::OutOfMemory`]. Natively also
    /// [`ErrorKind::Refused`] and [`ErrorKind::Lost`], which browsers tell of when the bytes are awaited.
    pub fn submit_reading(self, ranges: &[Range<'_>]) -> Result<Readback, Error> {
        let Pass { gpu, mut encoder, pass } = self;
        drop(pass);
        let mut total = 0;
        for range in ranges {
            let outside = || ErrorKind::Binding { label: "read-back".into(), reason: format!("{range:?} is outside") };
            total += range.bytes().filter(|bytes| bytes.is_multiple_of(4) && range.offset.is_multiple_of(4)).ok_or_else(outside)?;
        }
        let staging = gpu.claim_staging(total)?;
        let mut place = 0;
        for range in ranges {
            let bytes = range.bytes().unwrap_or_default();
            encoder.copy_buffer_to_buffer(&range.buffer.raw, range.offset, &staging, place, bytes);
            place += bytes;
        }
        let submission = gpu.queue().submit([encoder.finish()]);
        #[cfg(not(target_arch = "wasm32"))]
        gpu.healthy()?;
        Ok(Readback::begin(gpu, staging, total, submission))
    }
}
