//! Rows in int8, for matrix multiplications in integers.

use super::int8;
use super::matmul::{Prologue, norm_input};
use super::reference::{Launch, Operands};
use super::stage::{At, Bytes, Form, Launch as LaunchWords, Target, Work};
use super::step::{Inputs, Step};
use super::{Op, Rows};
use crate::graph::Value;
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
            norm_input(build, eps);
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
        let output = inputs.random.int8_rows(rows, width);
        inputs.put("output", output);
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        int8::quantize(self, launch, operands);
    }

    fn compare(&self, _half: bool, _name: &str, found: &[u32], expected: &[u32]) -> Result<(), String> {
        int8::compare(self, found, expected)
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
