//! Rows in int8, for matrix multiplications in integers.

use super::int8::{self, GROUP, set, set_scale};
use super::norm::{Prologue, in_passing, normed};
use super::stage::{At, Bytes, Form, Launch as LaunchWords, Target, Work};
use super::step::{Inputs, Step};
use super::{Op, Rows};
use crate::graph::Value;
use crate::operand::{Launch, Operands};
use crate::schedule::{Build, Schedule};
use tegula_plan::{Buffer, Requires, Size};

/// Rows as signed bytes: in groups of 32 along a row, the last of them padded with zeros, each with a scale, a 127th of its greatest
/// magnitude. An element is the integer nearest to x over the scale. Groups of which no element exceeds 1e-30 are zero.
///
/// With a norm, what is quantized is the root-mean-square norm of rows, times the gain at `launch.gain` of `vectors`.
/// Bindings: `input: f32[rows][width]`, `vectors` (with a norm), `output`: for each row the words of its groups, eight each, in each eight
/// elements in [`int8::ORDER`], then the scales, up to a multiple of four words ([`int8::row_words`]). The width is a multiple of four.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantize {
    /// Elements of a row.
    pub width: u32,
    /// Epsilon of the norm, where there is one.
    pub norm: Option<f32>,
}

impl Op for Quantize {
    fn key(&self) -> String {
        format!("quantize k={} {}", self.width, if self.norm.is_some() { "norm" } else { "plain" })
    }

    fn label(&self) -> String {
        format!("{}quantize {}", if self.norm.is_some() { "norm " } else { "" }, self.width)
    }

    fn rows(&self) -> Rows {
        Rows::Many
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of("quantize/rows")
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
        // Groups of which nothing is left, which have no inverse.
        input.chunks_mut(width).enumerate().for_each(|(row, x)| x[..32.min(width)].fill([0, 1][row % 2]));
        inputs.put("input", input);
        let output = int8::random(&mut inputs.random, rows, width);
        inputs.put("output", output);
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        quantize(self, launch, operands);
    }

    fn compare(&self, _half: bool, _name: &str, found: &[u32], expected: &[u32]) -> Result<(), String> {
        compare(self, found, expected)
    }

    fn bytes(&self, step: &Step) -> u64 {
        step.worked_rows() * 4 * u64::from(self.width + int8::row_words(self.width))
    }
}

/// The dispatch that quantizes the input of a linear layer, and where the result is.
pub(super) fn quantize_work(label: &str, input: Value, norm: Option<&Prologue>, at: &At<'_>, width: u32) -> (Work, Target) {
    let (value, gain) = norm.map_or((input, 0), |norm| (norm.normed, at.weights.offset(norm.gain)));
    let output = Target::activation(value, Form::Int8, Bytes::of_rows(4 * u64::from(int8::row_words(width))));
    let operands = vec![("input", at.f32(input)), ("vectors", Target::Whole(Buffer::Vectors)), ("output", output.clone())];
    let launch = LaunchWords { gain, ..LaunchWords::default() };
    let spec = Quantize { width, norm: norm.map(|norm| norm.eps) };
    (Work { label: format!("{label}.quantize"), spec: spec.into(), operands, launch, span: at.span.clone() }, output)
}

/// What [`Quantize`] computes.
fn quantize(spec: &Quantize, launch: &Launch, operands: &mut Operands) {
    let (width, words) = (spec.width as usize, int8::row_words(spec.width) as usize);
    let mut output = operands.take("output");
    for (row, out) in output.chunks_mut(words).enumerate().take(launch.rows()) {
        let input = operands.read("input");
        let x: Vec<f64> = match spec.norm {
            Some(eps) => normed(input, operands.read("vectors"), launch, row, width, eps),
            None => (0..width).map(|i| input.float(row * width + i)).collect(),
        };
        out[..width.div_ceil(GROUP) * GROUP / 4].fill(0);
        for (group, x) in x.chunks(GROUP).enumerate() {
            let scale = x.iter().fold(0f64, |most, x| most.max(x.abs())) / 127.0;
            for (i, x) in x.iter().enumerate() {
                let byte = if scale * 127.0 > 1e-30 { (x / scale).round_ties_even() } else { 0.0 };
                set(out, group * GROUP + i, byte as i32);
            }
            set_scale(out, width, group, scale as f32);
        }
    }
    operands.give("output", output);
}

/// Compares rows that a kernel quantized with those of the reference. Scales agree to single precision. An element that is all but half way
/// between two bytes may become either, which is one in thousands: bytes may be one off, and of a hundred not more than one.
fn compare(spec: &Quantize, found: &[u32], expected: &[u32]) -> Result<(), String> {
    let (width, words) = (spec.width as usize, int8::row_words(spec.width) as usize);
    let (mut off, mut all) = (0, 0);
    for (row, (found, expected)) in found.chunks(words).zip(expected.chunks(words)).enumerate() {
        let groups = width.div_ceil(GROUP);
        for word in 0..groups * GROUP / 4 {
            for ([found, expected], place) in
                std::iter::zip(found[word].to_le_bytes(), expected[word].to_le_bytes()).map(<[u8; 2]>::from).zip(0..)
            {
                let [found, expected] = [found, expected].map(|byte| i32::from(byte as i8));
                if found.abs_diff(expected) > 1 {
                    return Err(format!("byte {place} of word {word} of row {row} is {found}, not {expected}"));
                }
                off += usize::from(found != expected);
                all += 1;
            }
        }
        for group in 0..groups {
            let at = groups * GROUP / 4 + group;
            let [found, expected] = [found, expected].map(|row| f32::from_bits(row[at]));
            let difference = (found - expected).abs();
            if difference.is_nan() || difference > 2e-5 * expected.abs() {
                return Err(format!("the scale of group {group} of row {row} is {found}, not {expected}"));
            }
        }
    }
    if off * 100 > all { Err(format!("{off} of {all} bytes are one off")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::Spec;
    use super::super::int8::{place, read};
    use super::*;
    use crate::operand::Words;

    fn quantized(width: u32) -> (Quantize, Vec<u32>, Vec<f64>) {
        let spec = Quantize { width, norm: None };
        let step = Step { spec: Spec::from(spec), rows: 3, first: 0, segments: 1, pages: 1, splits: 1, cached: 1 };
        let (launch, mut operands) = step.operands(5);
        let input: Vec<f64> = operands.buffers["input"].iter().map(|bits| f64::from(f32::from_bits(*bits))).collect();
        spec.reference(&launch, &mut operands);
        (spec, operands.buffers["output"].clone(), input)
    }

    #[test]
    fn what_is_quantized_is_within_half_a_step() {
        for width in [32, 172, 256] {
            let (_, output, input) = quantized(width);
            for (row, x) in input.chunks(width as usize).enumerate() {
                let back = read(Words(&output), row, width as usize);
                for (group, (x, back)) in x.chunks(GROUP).zip(back.chunks(GROUP)).enumerate() {
                    let most = x.iter().fold(0f64, |most, x| most.max(x.abs()));
                    let worst = x.iter().zip(back).map(|(x, back)| (x - back).abs()).fold(0.0, f64::max);
                    if most <= 1e-30 {
                        assert!(back.iter().all(|back| *back == 0.0));
                        continue;
                    }
                    assert!(worst > 0.0 && worst <= most / 253.9, "{width}: group {group} is {worst} off, of {most}");
                }
            }
        }
    }

    #[test]
    fn rounding_the_wrong_way_is_seen() {
        let (spec, right, _) = quantized(172);
        assert_eq!(compare(&spec, &right, &right), Ok(()));
        let changed = |change: &dyn Fn(usize, i32) -> i32| {
            let mut wrong = right.clone();
            for row in wrong.chunks_mut(int8::row_words(172) as usize) {
                for i in 0..172 {
                    let (word, shift) = place(i);
                    let byte = (row[word] >> shift) as u8 as i8;
                    set(row, i, change(i, i32::from(byte)));
                }
            }
            wrong
        };
        assert!(compare(&spec, &changed(&|i, byte| byte - i32::from(i % 50 == 40)), &right).is_err());
        assert!(compare(&spec, &changed(&|i, byte| byte - 2 * i32::from(i == 40)), &right).is_err());
        let mut scaled = right.clone();
        scaled[6 * 8 + 1] += 1000;
        assert!(compare(&spec, &scaled, &right).is_err());
    }
}
