//! Merging the parts of split attention.

use super::splits;
use crate::op::step::{Inputs, Step};
use crate::op::{Op, Rows};
use crate::operand::{Launch, Operands, Words, set};
use crate::schedule::{Build, Schedule};
use tegula_plan::{Requires, Size, StepSize};

/// Puts the parts of split [`super::Attention`] together, in place.
///
/// Bindings: `output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Query heads.
    pub heads: u32,
    /// Key and value heads, which decide how many parts there are.
    pub kv: u32,
    /// Elements of a head.
    pub dim: u32,
}

impl Op for Merge {
    fn key(&self) -> String {
        format!("merge {}/{}x{}", self.heads, self.kv, self.dim)
    }

    fn label(&self) -> String {
        self.key()
    }

    /// Batches run the same kernel; a single row is what takes the longest for what it does.
    fn rows(&self) -> Rows {
        Rows::One
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of("attention/merge")
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        build.int("HEADS", self.heads);
        build.int("HEAD_DIM", self.dim);
        [Size::Const(self.heads), Size::Rows, Size::Const(1)]
    }

    fn operands(&self, step: &Step, inputs: &mut Inputs) {
        let (heads, dim, rows) = (self.heads as usize, self.dim as usize, inputs.rows);
        let mut output = inputs.random.floats(rows * heads * dim, -1.0, 1.0);
        output.extend(inputs.random.parts(rows * heads * step.splits as usize, dim));
        inputs.put("output", output);
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        let (heads, dim, splits) = (launch.rows() * self.heads as usize, self.dim as usize, launch.get("splits"));
        let first = launch.get("first") * self.heads as usize;
        let mut output = operands.take("output");
        for head in first..heads {
            let part = |s: usize| heads * dim + ((head - first) * splits + s) * (dim + 4);
            let read = |i: usize| Words(&output).float(i);
            let maximum = (0..splits).map(|s| read(part(s) + dim)).fold(f64::MIN, f64::max);
            let weights: Vec<f64> = (0..splits).map(|s| (read(part(s) + dim) - maximum).exp()).collect();
            let total: f64 = (0..splits).map(|s| weights[s] * read(part(s) + dim + 1)).sum();
            let sum = |i: usize| (0..splits).map(|s| weights[s] * read(part(s) + i)).sum::<f64>() / total;
            let merged: Vec<f64> = (0..dim).map(sum).collect();
            merged.iter().enumerate().for_each(|(i, x)| set(&mut output, head * dim + i, *x));
        }
        operands.give("output", output);
    }

    fn bytes(&self, step: &Step) -> u64 {
        let (heads, dim) = (u64::from(self.heads), u64::from(self.dim));
        step.worked_rows() * heads * 4 * (u64::from(step.splits) * (dim + 4) + dim)
    }

    fn reads_cache(&self) -> bool {
        true
    }

    fn splits(&self, step: &StepSize) -> u32 {
        splits(self.kv).eval(step)
    }
}
