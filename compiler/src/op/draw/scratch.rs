//! What the kernels that draw ids leave each other in the scratch of a row: where it lies, and when two of them agree.

use super::Draw;
use crate::operand::Words;

/// Parts that a row of logits is cut into: a power of two, so that a workgroup divides by it, and few where there are few logits.
#[must_use]
pub fn draw_parts(vocab: u32) -> u32 {
    vocab.div_ceil(SHARE).next_power_of_two().clamp(1, MAX_PARTS)
}

/// Logits of a part, where there are not too many.
const SHARE: u32 = 2048;

/// The most parts.
const MAX_PARTS: u32 = 64;

/// Bins of a histogram, and invocations of a workgroup.
pub const DRAW_BINS: u32 = 256;

/// Words that each part of a row has for itself: its greatest logit in order, that one's id, its sum of weights, how much it gathered.
pub(super) const HEAD: usize = 4;

/// Where things lie in the scratch of a row, in words.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub(super) vocab: usize,
    pub(super) parts: usize,
    pub(super) bins: usize,
    /// The bins that the nucleus can end in and that a draw can fall in, and where top-k ends: its bin, and its place there.
    pub(super) bounds: usize,
    pub(super) histogram: usize,
    pub(super) tally: usize,
    pub(super) gathered: usize,
    /// Words of what a part can gather.
    pub(super) segment: usize,
    /// Words of a row.
    pub(super) stride: usize,
}

impl Layout {
    pub(super) fn of(vocab: u32) -> Layout {
        let (vocab, parts, bins) = (vocab as usize, draw_parts(vocab) as usize, DRAW_BINS as usize);
        let (bounds, segment) = (HEAD * parts, 2 * bins * vocab.div_ceil(parts * bins));
        let histogram = bounds + 8;
        let tally = histogram + parts * bins;
        let gathered = tally + parts * bins;
        Layout { vocab, parts, bins, bounds, histogram, tally, gathered, segment, stride: gathered + parts * segment }
    }

    fn share(self) -> usize {
        self.vocab.div_ceil(self.parts)
    }

    /// Ids of a part that can be drawn.
    pub(super) fn ids(self, part: usize, active: usize) -> std::ops::Range<usize> {
        let end = self.vocab.min(active);
        (part * self.share()).min(end)..((part + 1) * self.share()).min(end)
    }

    /// In what units weights are summed.
    pub(super) fn unit(self) -> f64 {
        f64::from(0x8000_0000 / self.share() as u32)
    }
}

/// Words of scratch that a row takes.
#[must_use]
pub fn scratch_words(vocab: u32) -> u64 {
    Layout::of(vocab).stride as u64
}

/// Compares scratch: sums within rounding, and what was gathered in any order.
pub(super) fn compare(spec: &Draw, found: &[u32], expected: &[u32]) -> Result<(), String> {
    let layout = Layout::of(spec.vocab);
    let near = |found: f64, expected: f64| (found - expected).abs() <= 2.0 + expected * 2e-5;
    for (row, (found, expected)) in found.chunks(layout.stride).zip(expected.chunks(layout.stride)).enumerate() {
        for at in 0..layout.gathered {
            let agrees = match at {
                at if at < layout.bounds && at % HEAD == 2 => {
                    let (found, expected) = (Words(found).float(at), Words(expected).float(at));
                    found == expected || (found - expected).abs() <= expected * 2e-5
                }
                at if (layout.histogram..layout.tally).contains(&at) => near(found[at].into(), expected[at].into()),
                at => found[at] == expected[at],
            };
            if !agrees {
                return Err(format!("`scratch` of row {row} at {at} is {:#x}, not {:#x}", found[at], expected[at]));
            }
        }
        for part in 0..layout.parts {
            let pairs = |words: &[u32]| {
                let count = (expected[HEAD * part + 3] as usize).min(layout.segment / 2);
                let pairs = &words[layout.gathered + part * layout.segment..][..2 * count];
                let mut pairs: Vec<_> = pairs.chunks(2).map(|pair| (pair[1], pair[0])).collect();
                pairs.sort_unstable();
                pairs
            };
            if pairs(found) != pairs(expected) {
                return Err(format!("part {part} of row {row} has gathered {:?}, not {:?}", pairs(found), pairs(expected)));
            }
        }
    }
    Ok(())
}
