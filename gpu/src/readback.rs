//! Bytes on their way back from the GPU.
//!
//! Buffers that the CPU can map are kept in a pool, so that a loop that reads the same sizes creates nothing. Each [`Readback`] has its
//! own: several steps can be under way, and awaiting one does not wait for those after it.

use crate::device::Gpu;
use crate::{Error, ErrorKind};
use futures::channel::oneshot;

/// The smallest staging buffer.
const SMALLEST: u64 = 256;

/// Bytes that a pass copies for the CPU. Dropping it gives them up.
pub struct Readback {
    gpu: Gpu,
    staging: wgpu::Buffer,
    bytes: u64,
    submission: wgpu::SubmissionIndex,
    mapped: oneshot::Receiver<Result<(), wgpu::BufferAsyncError>>,
}

impl Gpu {
    /// A staging buffer for at least `bytes` bytes. Sizes are powers of two, so that nearly equal reads share.
    pub(crate) fn claim_staging(&self, bytes: u64) -> Result<wgpu::Buffer, Error> {
        let size = bytes.max(SMALLEST).checked_next_power_of_two().unwrap_or(bytes).min(self.info().limits.max_buffer.max(bytes));
        if let Some(buffer) = self.staging().take(size) {
            return Ok(buffer);
        }
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        self.scoped(
            || format!("staging buffer of {size} bytes"),
            |device| device.create_buffer(&wgpu::BufferDescriptor { label: Some("staging"), size, usage, mapped_at_creation: false }),
        )
    }
}

impl Readback {
    /// Asks for the mapping right away, so that it is under way before anybody waits.
    pub(crate) fn begin(gpu: Gpu, staging: wgpu::Buffer, bytes: u64, submission: wgpu::SubmissionIndex) -> Self {
        let (sender, mapped) = oneshot::channel();
        staging.map_async(wgpu::MapMode::Read, 0..bytes.max(4), move |result| {
            // Nobody listens when the read-back was dropped.
            let _ = sender.send(result);
        });
        Readback { gpu, staging, bytes, submission, mapped }
    }

    /// Waits for the bytes. Natively this blocks the thread, but not longer than until its own pass has run.
    ///
    /// # Errors
    /// [`ErrorKind::Lost`], [`ErrorKind::Refused`].
    pub async fn bytes(mut self) -> Result<Vec<u8>, Error> {
        self.gpu.wait(self.submission.clone());
        let mapped = (&mut self.mapped).await;
        self.gpu.healthy()?;
        let failed = |reason: String| Error::from(ErrorKind::Refused { reason });
        mapped.map_err(|_| failed("a read-back was given up".into()))?.map_err(|error| failed(format!("mapping for reading: {error}")))?;
        let view = self.staging.get_mapped_range(0..self.bytes.max(4)).map_err(|error| failed(format!("mapping for reading: {error}")))?;
        let bytes = view[..self.bytes as usize].to_vec();
        drop(view);
        Ok(bytes)
    }
}

impl Drop for Readback {
    fn drop(&mut self) {
        // Ends the mapping, or the request for one. What the GPU still copies is overwritten by the next user of the buffer, later in the
        // queue.
        self.staging.unmap();
        self.gpu.staging().keep(self.staging.clone());
    }
}
