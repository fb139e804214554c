//! Caches that are being replaced by larger ones, one at a time.
//!
//! Two things take longer than a turn of the host, so they are kept here and not in the future that waits for them: browsers tell late whether
//! there is memory for a buffer, and a GPU frees an old cache only when it has copied it.

use tegula_gpu::{Buffer, Done, Error, Gpu, Settled, Usage};

/// Bytes of old caches that may wait to be freed: to wait for the GPU costs a moment each time.
const UNFREED: u64 = 32 << 20;

/// What is under way between old caches and larger ones.
pub(super) struct Replacing {
    making: Option<Making>,
    /// Bytes of old caches that may not be freed yet.
    unfreed: u64,
    /// How many there may be.
    most_unfreed: u64,
    /// Tells when they are.
    copied: Option<Done>,
}

impl Replacing {
    /// Nothing is under way.
    pub fn new() -> Replacing {
        Replacing { making: None, unfreed: 0, most_unfreed: UNFREED, copied: None }
    }

    /// Lets so many bytes of old caches wait to be freed.
    pub fn leave_unfreed(&mut self, bytes: u64) {
        self.most_unfreed = bytes;
    }

    /// Gives up a cache that is being made.
    pub fn give_up(&mut self) {
        self.making = None;
    }

    /// A cache for a layer, once it is certain that there is memory for it. It can be dropped while it waits: who asks again for the same
    /// waits for the same buffer.
    pub async fn make(&mut self, gpu: &Gpu, layer: u32, bytes: u64) -> Result<Buffer, Error> {
        let same = |making: &Making| making.layer == layer && making.buffer.as_ref().is_some_and(|buffer| buffer.bytes() == bytes);
        if !self.making.as_ref().is_some_and(same) {
            let buffer = Some(gpu.buffer(&format!("cache {layer}"), bytes, Usage::Storage)?);
            self.making = Some(Making { layer, buffer, settled: gpu.settled() });
        }
        let making = self.making.as_mut().expect("it was set above");
        let settled = (&mut making.settled).await;
        let mut making = self.making.take().expect("nobody else takes it");
        settled?;
        Ok(making.buffer.take().expect("it is taken here only"))
    }

    /// Notes that an old cache was copied and given up, and waits until old caches are freed where there are too many.
    pub async fn copied(&mut self, gpu: &Gpu, bytes: u64) {
        self.unfreed += bytes;
        if self.unfreed > self.most_unfreed {
            self.copied = Some(gpu.done());
            self.freed().await;
        }
    }

    /// Waits until old caches are freed, if that was begun.
    pub async fn freed(&mut self) {
        if let Some(copied) = &mut self.copied {
            copied.await;
            (self.copied, self.unfreed) = (None, 0);
        }
    }
}

/// A cache on its way.
struct Making {
    layer: u32,
    buffer: Option<Buffer>,
    settled: Settled,
}

impl Drop for Making {
    fn drop(&mut self) {
        if let Some(buffer) = &self.buffer {
            buffer.destroy();
        }
    }
}
