//! Bytes of a shard on their way to the GPU.
//!
//! A shard arrives in slices of any size. Each slice is cut at the borders of its records, converted if the GPU keeps another format, and
//! written at once. Less than a word is held back: GPU writes are whole words, but records start and end anywhere.

use crate::model::{Place, Sink};
use half::f16;
use tegula_package::Element;

/// Bytes of input that are converted at a time.
const PIECE: usize = 32 << 10;

/// How the GPU keeps elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// As they are stored.
    AsStored,
    /// In single precision.
    F32,
}

/// Where a tensor goes, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub place: Place,
    /// First byte in the buffer.
    pub offset: u64,
    pub kept: Kept,
}

/// A part of a shard that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// First byte in the shard.
    pub offset: u64,
    pub bytes: u64,
    pub stored: Element,
    pub targets: Vec<Target>,
}

/// Sorts the bytes of a shard into its extents.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    /// By offset, without overlaps.
    extents: Vec<Extent>,
    /// The extent that the next byte belongs to or lies before.
    current: usize,
    /// Bytes of the shard so far.
    position: u64,
    /// Bytes of the current extent that have been written.
    written: u64,
    /// Bytes of the current extent that make no word yet.
    carry: Vec<u8>,
    /// Converted bytes.
    converted: Vec<u8>,
}

impl Upload {
    pub(crate) fn new(extents: Vec<Extent>) -> Self {
        Upload { extents, ..Upload::default() }
    }

    /// Bytes of the shard so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Takes the next bytes of the shard.
    pub(crate) fn push(&mut self, mut bytes: &[u8], sink: &mut impl Sink) {
        while !bytes.is_empty() {
            let Some(extent) = self.extents.get(self.current) else {
                self.position += bytes.len() as u64;
                return;
            };
            // Nobody wants what lies before the extent.
            let gap = take(&mut bytes, extent.offset.saturating_sub(self.position));
            self.position += gap.len() as u64;
            let end = extent.offset + extent.bytes;
            if self.position < extent.offset {
                return;
            }
            let part = take(&mut bytes, end - self.position);
            self.position += part.len() as u64;
            self.write(part, sink);
            if self.position == end {
                self.finish(sink);
            }
        }
    }

    /// Writes the whole words of the carry and `part`, and carries the rest.
    fn write(&mut self, mut part: &[u8], sink: &mut impl Sink) {
        if !self.carry.is_empty() {
            let missing = take(&mut part, 4 - self.carry.len() as u64);
            self.carry.extend_from_slice(missing);
            if self.carry.len() < 4 {
                return;
            }
            let word = std::mem::take(&mut self.carry);
            self.emit(&word, sink);
            self.carry = word;
            self.carry.clear();
        }
        let (words, rest) = part.split_at(part.len() & !3);
        self.emit(words, sink);
        self.carry.extend_from_slice(rest);
    }

    /// Ends the current extent, of which an odd 16-bit element may be left.
    fn finish(&mut self, sink: &mut impl Sink) {
        let mut last = std::mem::take(&mut self.carry);
        self.emit(&last, sink);
        last.clear();
        self.carry = last;
        self.current += 1;
        self.written = 0;
    }

    /// Writes bytes to all targets of the current extent: whole words, or at the end of a tensor one element of 16 bits.
    fn emit(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        if bytes.is_empty() {
            return;
        }
        let Extent { stored, targets, .. } = &self.extents[self.current];
        for target in targets {
            match (target.kept, stored) {
                (Kept::F32, Element::F16 | Element::Bf16) => {
                    let mut offset = target.offset + 2 * self.written;
                    for piece in bytes.chunks(PIECE) {
                        self.converted.clear();
                        widen(piece, *stored, &mut self.converted);
                        sink.write(target.place, offset, &self.converted);
                        offset += self.converted.len() as u64;
                    }
                }
                _ if bytes.len().is_multiple_of(4) => sink.write(target.place, target.offset + self.written, bytes),
                _ => {
                    // Buffers are padded, with zeros.
                    self.converted.clear();
                    self.converted.extend_from_slice(bytes);
                    self.converted.resize(bytes.len().next_multiple_of(4), 0);
                    sink.write(target.place, target.offset + self.written, &self.converted);
                }
            }
        }
        self.written += bytes.len() as u64;
    }
}

/// Single precision of 16-bit elements.
fn widen(bytes: &[u8], stored: Element, into: &mut Vec<u8>) {
    let halves = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
    if stored == Element::F16 {
        halves.for_each(|bits| into.extend_from_slice(&f16::from_bits(bits).to_f32().to_le_bytes()));
    } else {
        halves.for_each(|bits| into.extend_from_slice(&(u32::from(bits) << 16).to_le_bytes()));
    }
}

/// Cuts off the first `count` bytes, or as many as there are.
fn take<'a>(bytes: &mut &'a [u8], count: u64) -> &'a [u8] {
    let count = usize::try_from(count).map_or(bytes.len(), |count| count.min(bytes.len()));
    let (first, rest) = bytes.split_at(count);
    *bytes = rest;
    first
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;
