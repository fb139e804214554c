//! Buffers and ranges of them.

use crate::device::Gpu;
use crate::{Error, ErrorKind};

/// Bytes on the GPU. Cheap to clone: clones are the same bytes.
#[derive(Clone, Debug)]
pub struct Buffer {
    pub(crate) raw: wgpu::Buffer,
}

/// What a buffer is bound as. Either kind can be copied from and to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Read and written by kernels.
    Storage,
    /// Small constants of a dispatch.
    Uniform,
}

/// A range of a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    /// The buffer.
    pub buffer: &'a Buffer,
    /// First byte.
    pub offset: u64,
    /// Bytes; zero for all that follow.
    pub size: u64,
}

impl Buffer {
    /// Its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.raw.size()
    }

    /// Frees its memory once what was submitted has run, although clones or bind groups may still name it; browsers would otherwise wait for
    /// their garbage collector. No later command may use it.
    pub fn destroy(&self) {
        self.raw.destroy();
    }
}

impl<'a> Range<'a> {
    /// All of a buffer.
    #[must_use]
    pub fn whole(buffer: &'a Buffer) -> Self {
        Range { buffer, offset: 0, size: 0 }
    }

    /// Bytes in the range; `None` when it does not lie within the buffer.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        let rest = self.buffer.bytes().checked_sub(self.offset)?;
        if self.size == 0 { (rest > 0).then_some(rest) } else { (self.size <= rest).then_some(self.size) }
    }
}

impl Gpu {
    /// Makes a buffer of `bytes` bytes, rounded up to a multiple of 16, all zero.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] when it is larger than the device allows. [`ErrorKind::OutOfMemory`] when there is no room: browsers say so
    /// late, in [`Gpu::settled`].
    pub fn buffer(&self, label: &str, bytes: u64, usage: Usage) -> Result<Buffer, Error> {
        let needed = bytes.max(1).checked_next_multiple_of(16).unwrap_or(u64::MAX);
        let available = self.info().limits.max_buffer;
        if needed > available {
            return Err(ErrorKind::Limit { limit: "maxBufferSize", what: format!("buffer `{label}`"), needed, available }.into());
        }
        let binding = match usage {
            Usage::Storage => wgpu::BufferUsages::STORAGE,
            Usage::Uniform => wgpu::BufferUsages::UNIFORM,
        };
        let usage = binding | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let describe = || format!("buffer `{label}` of {needed} bytes");
        if self.refuses(needed) {
            return Err(ErrorKind::OutOfMemory { what: describe() }.into());
        }
        let raw = self.scoped(describe, |device| {
            device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size: needed, usage, mapped_at_creation: false })
        })?;
        Ok(Buffer { raw })
    }

    /// Writes bytes before whatever is submitted next.
    ///
    /// # Panics
    /// Unless offset and length are multiples of 4 and within the buffer.
    pub fn write(&self, buffer: &Buffer, offset: u64, bytes: &[u8]) {
        let length = bytes.len() as u64;
        assert!(offset.is_multiple_of(4) && length.is_multiple_of(4), "GPU writes are whole words");
        assert!(offset.checked_add(length).is_some_and(|end| end <= buffer.bytes()), "GPU writes stay within the buffer");
        if !bytes.is_empty() {
            self.queue().write_buffer(&buffer.raw, offset, bytes);
        }
    }

    /// Sends pending writes to the GPU. Natively it also waits until they have arrived, so that a long upload holds no more than what was
    /// written since the last call; browsers bound that themselves.
    pub fn flush(&self) {
        let submission = self.queue().submit([]);
        self.wait(submission);
    }
}
