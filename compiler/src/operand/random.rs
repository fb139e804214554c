//! Seeded random numbers, in the layouts that kernels bind.

use crate::parallel::parts;
use half::f16;

/// Seeded numbers: SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

/// What its state grows by with every number.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Words that a processor makes in one go.
const PART: usize = 1 << 16;

impl Random {
    /// Begins.
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Single precision.
    pub(crate) fn floats(&mut self, count: usize, low: f32, high: f32) -> Vec<u32> {
        self.words(count, 1, |random| random.between(low, high).to_bits())
    }

    /// Half precision, two a word.
    pub(crate) fn halves(&mut self, count: usize, low: f32, high: f32) -> Vec<u32> {
        let half = |random: &mut Random| u32::from(f16::from_f32(random.between(low, high)).to_bits());
        self.words(count.div_ceil(2), 2, |random| half(random) | half(random) << 16)
    }

    /// Any bits.
    pub(crate) fn bits(&mut self, count: usize) -> Vec<u32> {
        self.words(count, 1, |random| random.next() as u32)
    }

    /// Words that take `numbers` numbers each. All processors make them, but the words are those that one would make in order.
    fn words(&mut self, count: usize, numbers: u64, word: impl Fn(&mut Random) -> u32 + Sync + Send) -> Vec<u32> {
        let start = self.0;
        let behind = |words: usize| Random(start.wrapping_add((words as u64 * numbers).wrapping_mul(STEP)));
        *self = behind(count);
        let mut words = vec![0; count];
        parts(&mut words, PART, |part, words| {
            let mut random = behind(part * PART);
            words.iter_mut().for_each(|own| *own = word(&mut random));
        });
        words
    }

    /// Parts of split attention: a sum, a maximum, a positive denominator, two unused.
    pub(crate) fn parts(&mut self, count: usize, dim: usize) -> Vec<u32> {
        let part = |_| {
            let mut part = self.floats(dim, -1.0, 1.0);
            part.extend([self.between(-3.0, 3.0), self.between(0.5, 4.0), 0.0, 0.0].map(f32::to_bits));
            part
        };
        (0..count).flat_map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{PART, Random};

    #[test]
    fn words_of_many_processors_are_those_of_one() {
        let (mut all, mut one) = (Random(5), Random(5));
        let pair = |random: &mut Random| random.next() as u32 ^ random.next() as u32;
        let expected: Vec<u32> = (0..2 * PART + 3).map(|_| pair(&mut one)).collect();
        assert_eq!(all.words(2 * PART + 3, 2, pair), expected);
        assert_eq!(all.next(), one.next());
        assert!(all.words(0, 2, pair).is_empty());
    }
}
