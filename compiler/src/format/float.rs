//! Matrices that are stored as they are: half or single precision, row by row.

use super::{Format, Storage, whole};
use crate::operand::Operands;
use crate::operand::Random;
use crate::schedule::Build;
use tegula_plan::{Dtype, Param};

/// Half precision.
pub const F16: Storage = Storage(&Float(Dtype::F16));

/// Single precision.
pub const F32: Storage = Storage(&Float(Dtype::F32));

/// Numbers of a type.
#[derive(Debug)]
struct Float(Dtype);

impl Format for Float {
    fn name(&self) -> &'static str {
        if self.0 == Dtype::F16 { "f16" } else { "f32" }
    }

    fn tensors(&self, name: &str, shape: &[u64]) -> Vec<Param> {
        whole(name, shape, self.0)
    }

    fn build(&self, build: &mut Build<'_>) {
        build.slot("quant/q4f16", if self.0 == Dtype::F16 { "quant/f16" } else { "quant/f32" });
        if build.imports("dot/q4") {
            build.slot("dot/q4", "dot/plain");
        }
    }

    fn row_bytes(&self, k: u32) -> u64 {
        self.0.bytes() * u64::from(k)
    }

    fn pieces(&self, k: u32) -> u32 {
        k / 4
    }

    fn operands(&self, random: &mut Random, n: usize, k: usize) -> Vec<(&'static str, Vec<u32>)> {
        let words = if self.0 == Dtype::F16 { random.halves(n * k, -0.5, 0.5) } else { random.floats(n * k, -0.5, 0.5) };
        vec![("weights", words)]
    }

    fn row(&self, operands: &Operands, row: usize, k: usize) -> Vec<f64> {
        let weights = operands.read("weights");
        (row * k..(row + 1) * k).map(|i| weights.typed(self.0, i)).collect()
    }
}
