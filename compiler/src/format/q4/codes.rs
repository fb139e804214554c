//! The `q4*_1` layout: groups of 32 along a row, 4 bits a weight, one scale a group.
//!
//! Eight weights share a word, the lowest bits first; a group is four words. A row whose length does not divide by 32 ends in a padded
//! group, whose surplus nibbles are zero. A code `q` stands for `(q - 7) * scale`, so the scale is the step between two codes.
//!
//! # Which scale
//! There are seven codes below zero's and eight above. MLC makes the scale `max|w| / 7` and leaves the code 15 unused. The other choice, that
//! of llama.cpp's Q4_0, is an eighth of the weight that is furthest from zero, with its sign, so that the code 15 is that weight: steps are
//! shorter, and what lies at the other end may be cut by a step. Both are tried, and the one whose squared errors have the smaller sum is
//! kept. Readers of the layout need not know: they multiply. Scales are rounded in the precision they are stored in.
//!
//! # Which code
//! Each code is the one *nearest to the weight as it is in the checkpoint*, worked out in single precision from the stored scale.
//!
//! A scale among the subnormal numbers of its precision can be rounded so far down that all steps end short of the greatest weight. Where
//! they end more than half a step short, the next greater scale is taken.

use half::{bf16, f16};

/// Weights of a group.
pub const GROUP: usize = 32;

/// Words of a group.
pub const GROUP_WORDS: usize = 4;

/// Weights of a word.
const PER_WORD: usize = GROUP / GROUP_WORDS;

/// The code of zero, and the number of steps below it.
const ZERO: f32 = 7.0;

/// The number of steps above the code of zero.
const ABOVE: f32 = 8.0;

/// The precision in which a package holds the scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Half precision: `q4f16_1`.
    F16,
    /// Single precision rounded to bfloat16: `q4f32_1` in the format `f32-to-bf16`.
    Bf16,
    /// Single precision: `q4f32_1` in the format `raw`.
    F32,
}

impl Scale {
    /// The scale of which so many steps reach the magnitude `greatest`.
    fn of(self, greatest: f32, steps: f32) -> f32 {
        let scale = match self {
            Scale::F16 => f16::from_f32(f16::from_f32(greatest).to_f32() / steps).to_f32(),
            Scale::Bf16 => bf16::from_f32(greatest / steps).to_f32(),
            Scale::F32 => greatest / steps,
        };
        // A group of zeros divides zero by zero, which is not greater than anything.
        if greatest / scale > steps + 0.5 { self.next_up(scale) } else { scale }
    }

    /// The least representable number above one that is representable and not negative.
    fn next_up(self, scale: f32) -> f32 {
        match self {
            Scale::F16 => f16::from_bits(f16::from_f32(scale).to_bits() + 1).to_f32(),
            Scale::Bf16 => bf16::from_bits(bf16::from_f32(scale).to_bits() + 1).to_f32(),
            Scale::F32 => scale.next_up(),
        }
    }
}

impl tegula_package::Codec for Scale {
    fn sizes(&self, columns: usize) -> (usize, usize) {
        (groups(columns) * GROUP_WORDS, groups(columns))
    }

    fn scale(&self) -> tegula_package::Element {
        match self {
            Scale::F16 => tegula_package::Element::F16,
            Scale::Bf16 => tegula_package::Element::Bf16,
            Scale::F32 => tegula_package::Element::F32,
        }
    }

    fn encode(&self, row: &[f32], words: &mut [u32], scales: &mut [f32]) {
        quantize(row, *self, words, scales);
    }

    fn decode(&self, words: &[u32], scales: &[f32], row: &mut [f32]) {
        dequantize(words, scales, row);
    }
}

/// Groups in a row of `columns` weights: also its scales, and a quarter of its words.
#[must_use]
pub fn groups(columns: usize) -> usize {
    columns.div_ceil(GROUP)
}

/// Quantizes one row: `words` takes [`GROUP_WORDS`] and `scales` one value for each of its [`groups`].
///
/// The scales are numbers that `scale` can represent. All weights must be finite and no greater than `scale` can represent. A group of
/// zeros gets the scale zero and the code of zero.
///
/// # Panics
/// If `words` or `scales` has another length.
pub fn quantize(row: &[f32], scale: Scale, words: &mut [u32], scales: &mut [f32]) {
    assert_eq!((words.len(), scales.len()), (groups(row.len()) * GROUP_WORDS, groups(row.len())), "lengths of a quantized row");
    for ((weights, words), stored) in row.chunks(GROUP).zip(words.chunks_exact_mut(GROUP_WORDS)).zip(scales) {
        // Arrays of fixed length, on which compilers use vector instructions.
        let mut padded = [0.0; GROUP];
        let group: &[f32; GROUP] = weights.try_into().unwrap_or_else(|_| {
            padded[..weights.len()].copy_from_slice(weights);
            &padded
        });
        let most = greatest(group);
        // Which of two that are equally far counts makes no difference to the greater error.
        let sign = if group.contains(&most) { 1.0 } else { -1.0 };
        let seventh = coded(group, scale.of(most, ZERO));
        let eighth = coded(group, sign * scale.of(most, ABOVE));
        let Coded { step, mut codes, .. } = if eighth.error < seventh.error { eighth } else { seventh };
        *stored = step;
        codes[weights.len()..].fill(0);
        for (word, codes) in words.iter_mut().zip(codes.chunks_exact(PER_WORD)) {
            *word = codes.iter().rev().fold(0, |word, code| word << 4 | code);
        }
    }
}

/// A group in steps of some length.
struct Coded {
    step: f32,
    codes: [u32; GROUP],
    /// The sum of squared errors.
    error: f32,
}

/// The codes of a group, each the nearest.
fn coded(group: &[f32; GROUP], step: f32) -> Coded {
    // Any divisor does for a group of zeros.
    let divisor = if step == 0.0 { 1.0 } else { step };
    let (mut codes, mut errors) = ([0; GROUP], [0.0; PER_WORD]);
    for (index, (code, weight)) in codes.iter_mut().zip(group).enumerate() {
        let steps = weight / divisor;
        let (nearest, place) = nearest(steps);
        *code = nearest;
        // In steps, whose squares keep within range where those of tiny weights would not.
        let error = steps + ZERO - place;
        errors[index % PER_WORD] += error * error;
    }
    Coded { step, codes, error: errors.into_iter().sum::<f32>() * (divisor * divisor) }
}

/// The greatest magnitude.
fn greatest(group: &[f32; GROUP]) -> f32 {
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let mut lanes = [0.0; PER_WORD];
    for weights in group.as_chunks::<PER_WORD>().0 {
        for (lane, weight) in lanes.iter_mut().zip(weights) {
            *lane = larger(weight.abs(), *lane);
        }
    }
    lanes.into_iter().fold(0.0, larger)
}

/// The code nearest to a number of steps, as a whole number and as a number; the greater one of two that are equally near.
fn nearest(steps: f32) -> (u32, f32) {
    /// Numbers from here on have no fraction, so that adding it rounds to a whole number, which is then in the lowest bits. Conversions
    /// between types, which also answer for what is no number, have no vector instructions.
    const WHOLE: f32 = (1 << 23) as f32;
    let place = (steps + ZERO).clamp(0.0, ZERO + ABOVE);
    // The nearest, the even one of two that are equally near.
    let even = (place + WHOLE) - WHOLE;
    let up = if place - even >= 0.5 { 1.0 } else { 0.0 };
    ((even + up + WHOLE).to_bits() & 15, even + up)
}

/// Restores one row from what [`quantize`] made of it.
///
/// # Panics
/// If `words` or `scales` is shorter than the row needs.
pub fn dequantize(words: &[u32], scales: &[f32], row: &mut [f32]) {
    for (column, weight) in row.iter_mut().enumerate() {
        let code = words[column / PER_WORD] >> (4 * (column % PER_WORD)) & 15;
        *weight = (code as f32 - ZERO) * scales[column / GROUP];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that repeat exactly on every run.
    fn random(seed: u64) -> impl FnMut() -> f32 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        }
    }

    fn quantized(row: &[f32], scale: Scale) -> (Vec<u32>, Vec<f32>) {
        let (mut words, mut scales) = (vec![u32::MAX; groups(row.len()) * GROUP_WORDS], vec![f32::NAN; groups(row.len())]);
        quantize(row, scale, &mut words, &mut scales);
        (words, scales)
    }

    /// Three groups: one of whole steps with the greatest magnitude negative, one of zeros, and a tail of three weights.
    #[test]
    fn a_row_by_hand() {
        let mut row = vec![0.0f32; 67];
        // Scale 3.5 / 7 = 0.5.
        row[0] = -3.5; // 0 - 7 steps: code 0
        row[1] = 3.5; // code 14
        row[2] = 0.5; // code 8
        row[3] = -1.0; // code 5
        row[4] = 0.25; // half a step up: code 8
        row[5] = -0.25; // half a step down, rounded up: code 7
        row[6] = 0.24; // code 7
        row[7] = 1.75; // three and a half: code 11
        row[31] = -3.3; // 6.6 steps: code 0
        // Scale 14 / 8 = 1.75, whose errors are smaller than those of 14 / 7.
        row[64] = 14.0; // code 15
        row[65] = -2.0; // code 6
        row[66] = -13.1; // 7.49 steps down: code 0
        let (words, scales) = quantized(&row, Scale::F16);
        assert_eq!(
            words,
            [0xb778_58e0, 0x7777_7777, 0x7777_7777, 0x0777_7777, 0x7777_7777, 0x7777_7777, 0x7777_7777, 0x7777_7777, 0x0000_006f, 0, 0, 0]
        );
        assert_eq!(scales, [0.5, 0.0, 1.75]);
        let mut restored = vec![f32::NAN; row.len()];
        dequantize(&words, &scales, &mut restored);
        assert_eq!(restored[..8], [-3.5, 3.5, 0.5, -1.0, 0.5, 0.0, 0.0, 2.0]);
        assert_eq!(restored[31..66], [[-3.5].as_slice(), &[0.0; 32], &[14.0, -1.75]].concat());
    }

    /// The scale of half precision is a quotient of half-precision numbers: 0.7 becomes 0x399a, a seventh of which rounds to 0x2e67.
    #[test]
    fn scales_are_rounded_as_they_are_stored() {
        let (_, scales) = quantized(&[0.7, -0.1], Scale::F16);
        assert_eq!(f16::from_f32(scales[0]).to_bits(), 0x2e67);
        assert_eq!(f16::from_f32(scales[0]).to_f32(), scales[0]);
        let (_, scales) = quantized(&[0.7, -0.1], Scale::Bf16);
        assert_eq!(scales[0].to_bits(), 0x3dcd_0000);
        assert_eq!(quantized(&[0.7, -0.1], Scale::F32).1, [0.7f32 / 7.0]);
    }

    /// The weight that is furthest from zero gets the code 15 where that is better, whichever sign it has.
    #[test]
    fn an_eighth_of_the_greatest_is_taken_where_errors_are_smaller() {
        for sign in [1.0f32, -1.0] {
            let mut row = vec![0.0f32; 32];
            row[..4].copy_from_slice(&[8.0, 3.0, -5.0, 1.0].map(|weight| sign * weight));
            let (words, scales) = quantized(&row, Scale::F16);
            assert_eq!((scales[0], words[0] & 15), (sign, 15));
            let mut restored = vec![0.0; 32];
            dequantize(&words, &scales, &mut restored);
            assert_eq!(restored, row);
        }
    }

    /// Every weight is restored to within half a step, but for one at the far end, at every order of magnitude that the precision knows, down
    /// to its subnormal numbers.
    #[test]
    fn restores_to_within_half_a_step() {
        for scale in [Scale::F16, Scale::Bf16, Scale::F32] {
            let exponents = if scale == Scale::F16 { -40..16 } else { -149..128 };
            for exponent in exponents {
                for seed in 0..20 {
                    let mut random = random(seed);
                    let row: Vec<f32> = (0..77).map(|_| (f64::from(random()) * 2f64.powi(exponent)) as f32).collect();
                    let (words, scales) = quantized(&row, scale);
                    let mut restored = vec![0.0; row.len()];
                    dequantize(&words, &scales, &mut restored);
                    for (column, (weight, restored)) in row.iter().zip(&restored).enumerate() {
                        let scale = f64::from(scales[column / GROUP]);
                        let error = (f64::from(*weight) - f64::from(*restored)).abs();
                        // Seven steps reach where eight of the other sign do, but for one.
                        let beyond = f64::from(*weight) / scale < -7.5;
                        // The allowance is for the sum in single precision, in which codes are chosen.
                        let most = if beyond { 1.5 } else { 0.5 + 1e-6 };
                        assert!(error <= scale.abs() * most, "{weight} became {restored} with steps of {scale}");
                    }
                }
            }
        }
    }
}
