//! Rows in half precision, for matrix multiplications of a few rows.

use super::norm::{ORDER, Prologue, in_passing, normed};
use super::stage::{At, Bytes, Form, Launch as LaunchWords, Target, Work};
use super::step::{Inputs, Step};
use super::{Op, Rows};
use crate::graph::Value;
use crate::operand::{Launch, Operands, Random, Words, set, set_typed};
use crate::schedule::{Build, Schedule};
use tegula_plan::{Buffer, Dtype, Requires, Size};

/// Rows as halves, each times a power of two that brings the root of its sum of squares between 2^9 and 2^10: halves hold nothing below
/// 2^-14 on some devices, and sums of products must not exceed 65504.
///
/// With a norm, what is stored is the root-mean-square norm of rows, times the gain at `launch.gain` of `vectors`.
/// Bindings: `input: f32[rows][width]`, `vectors` (with a norm), `output`: for each row its halves, in each eight elements in [`ORDER`], then
/// one over its power of two as `f32`, and three words of nothing ([`row_words`]). The width is a multiple of eight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Halve {
    /// Elements of a row.
    pub width: u32,
    /// Epsilon of the norm, where there is one.
    pub norm: Option<f32>,
}

/// Words of a row of so many elements.
#[must_use]
pub fn row_words(width: u32) -> u32 {
    width / 2 + 4
}

impl Op for Halve {
    fn key(&self) -> String {
        format!("halve k={} {}", self.width, if self.norm.is_some() { "norm" } else { "plain" })
    }

    fn label(&self) -> String {
        format!("{}halve {}", if self.norm.is_some() { "norm " } else { "" }, self.width)
    }

    fn rows(&self) -> Rows {
        Rows::Few
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of("halve/rows")
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        build.int("K", self.width);
        if let Some(eps) = self.norm {
            in_passing(build, eps);
        }
        [Size::Const(1), Size::Rows, Size::Const(1)]
    }

    fn operands(&self, _step: &Step, inputs: &mut Inputs) {
        let (width, rows) = (self.width as usize, inputs.rows);
        inputs.set("gain", 4);
        inputs.floats("vectors", 4 + width, 0.5, 1.5);
        let mut input = inputs.random.floats(rows * width, -2.0, 2.0);
        // Rows of very different size, and one of nothing.
        for (x, factor) in input.chunks_mut(width).zip([1.0, 1e-3, 0.0, 1e6, 1e-6].into_iter().cycle()) {
            x.iter_mut().for_each(|x| *x = (f32::from_bits(*x) * factor).to_bits());
        }
        inputs.put("input", input);
        let output = random(&mut inputs.random, rows, width);
        inputs.put("output", output);
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        let width = self.width as usize;
        let mut output = operands.take("output");
        for row in Rows::Few.of(launch) {
            let input = operands.read("input");
            let x: Vec<f64> = match self.norm {
                Some(eps) => normed(input, operands.read("vectors"), launch, row, width, eps),
                None => (0..width).map(|i| input.float(row * width + i)).collect(),
            };
            let words = row_words(self.width) as usize;
            store(&mut output[row * words..][..words], &x);
        }
        operands.give("output", output);
    }

    fn compare(&self, _half: bool, _name: &str, found: &[u32], expected: &[u32]) -> Result<(), String> {
        let (width, words) = (self.width as usize, row_words(self.width) as usize);
        for row in 0..found.len() / words {
            let unit = found[row * words + width / 2];
            if unit & 0x007f_ffff != 0 {
                return Err(format!("the unit of row {row} is {}, no power of two", f32::from_bits(unit)));
            }
            let [found, expected] = [found, expected].map(|words| read(Words(words), row, width));
            let greatest = expected.iter().fold(0f64, |most, x| most.max(x.abs()));
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                // Half precision keeps 11 bits. What is smaller than 2^-14 beside a root of 2^9 may be lost.
                let difference = (found - expected).abs();
                if difference.is_nan() || difference > expected.abs() / 1024.0 + greatest / f64::from(1 << 20) {
                    return Err(format!("element {i} of row {row} is {found}, not {expected}"));
                }
            }
        }
        Ok(())
    }

    fn bytes(&self, step: &Step) -> u64 {
        step.worked_rows() * 4 * u64::from(self.width + row_words(self.width))
    }
}

/// The dispatch that makes halves of the input of a linear layer, and where the result is.
pub(super) fn halve_work(label: &str, input: Value, norm: Option<&Prologue>, at: &At<'_>, width: u32) -> (Work, Target) {
    let (value, gain) = norm.map_or((input, 0), |norm| (norm.normed, at.weights.offset(norm.gain)));
    let output = Target::activation(value, Form::Halved, Bytes::of_rows(4 * u64::from(row_words(width))));
    let operands = vec![("input", at.f32(input)), ("vectors", Target::Whole(Buffer::Vectors)), ("output", output.clone())];
    let launch = LaunchWords { gain, first: at.span.first.clone(), ..LaunchWords::default() };
    let spec = Halve { width, norm: norm.map(|norm| norm.eps) };
    (Work { label: format!("{label}.halve"), spec: spec.into(), operands, launch, span: at.span.clone() }, output)
}

/// Stores a row.
fn store(words: &mut [u32], x: &[f64]) {
    let sum: f64 = x.iter().map(|x| x * x).sum();
    // The root is between 2^half and twice that.
    let half = if sum > 0.0 { (sum.log2() / 2.0).floor() as i32 } else { 0 };
    let power = f64::from(9 - half).exp2();
    (0..x.len()).for_each(|i| set_typed(words, Dtype::F16, i, x[i - i % 8 + ORDER[i % 8]] * power));
    words[x.len() / 2..].fill(0);
    set(words, x.len() / 2, power.recip());
}

/// Random rows, each with a power of its own.
pub(super) fn random(random: &mut Random, rows: usize, width: usize) -> Vec<u32> {
    let mut words = Vec::new();
    for row in 0..rows {
        words.extend(random.halves(width, -16.0, 16.0));
        words.extend([(0.0625f32 / (1 << (row % 3)) as f32).to_bits(), 0, 0, 0]);
    }
    words
}

/// The elements of a row.
pub(super) fn read(input: Words<'_>, row: usize, width: usize) -> Vec<f64> {
    let first = row * row_words(width as u32) as usize;
    let unit = input.float(first + width / 2);
    let mut x = vec![0.0; width];
    (0..width).for_each(|i| x[i - i % 8 + ORDER[i % 8]] = input.typed(Dtype::F16, 2 * first + i) * unit);
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;

    #[test]
    fn rows_of_any_size_come_back() {
        for factor in [1.0, 3e-7, 1e7] {
            let x: Vec<f64> = (0..16).map(|i| (f64::from(i) - 7.5) * factor).collect();
            let mut words = vec![u32::MAX; 2 * row_words(16) as usize];
            store(&mut words[12..], &x);
            let halves = words[12..20].iter().flat_map(|word| [*word as u16, (word >> 16) as u16]);
            let root = halves.map(|bits| f64::from(f16::from_bits(bits)).powi(2)).sum::<f64>().sqrt();
            assert!((512.0..1025.0).contains(&root), "{root}");
            for (x, back) in x.iter().zip(read(Words(&words), 1, 16)) {
                assert!((x - back).abs() <= x.abs() / 2048.0, "{x} {back}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_seen() {
        let spec = Halve { width: 16, norm: None };
        let mut right = vec![0; row_words(16) as usize];
        store(&mut right, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        assert_eq!(spec.compare(false, "output", &right, &right), Ok(()));
        for (word, flip) in [(0, 0x10), (8, 1), (8, 0x0080_0000)] {
            let mut wrong = right.clone();
            wrong[word] ^= flip;
            assert!(spec.compare(false, "output", &wrong, &right).is_err(), "{word}");
        }
    }
}
