//! Buffers that the CPU can map, kept so that a loop that reads the same sizes creates nothing.

/// Idle staging buffers are kept up to so many bytes in all.
const KEPT: u64 = 32 << 20;

/// Staging buffers that nobody uses.
#[derive(Default)]
pub(crate) struct Staging {
    idle: Vec<wgpu::Buffer>,
}

impl Staging {
    /// Takes a buffer of exactly this size.
    pub(crate) fn take(&mut self, size: u64) -> Option<wgpu::Buffer> {
        let index = self.idle.iter().position(|buffer| buffer.size() == size)?;
        Some(self.idle.swap_remove(index))
    }

    /// Keeps a buffer for the next who wants its size, at the cost of those kept longest.
    pub(crate) fn keep(&mut self, buffer: wgpu::Buffer) {
        self.idle.push(buffer);
        let mut kept: u64 = self.idle.iter().map(wgpu::Buffer::size).sum();
        let excess = self.idle.iter().take_while(|oldest| {
            let over = kept > KEPT;
            kept = kept.saturating_sub(oldest.size());
            over
        });
        let excess = excess.count();
        self.idle.drain(..excess);
    }
}
