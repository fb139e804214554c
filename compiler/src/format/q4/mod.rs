//! 4-bit weights in groups of 32 along k: eight a word, the lowest bits first, zero point 7, one scale a group. Rows are padded to whole groups.

pub mod codes;

use super::{Format, Storage};
use crate::operand::Operands;
use crate::operand::Random;

use crate::schedule::Build;
use std::sync::Arc;
use tegula_package::Codec;
use tegula_plan::{Dtype, Param};

/// With scales in half precision.
pub const Q4F16: Storage = Storage(&Q4 { scale: Dtype::F16 });

/// With scales in single precision.
pub const Q4F32: Storage = Storage(&Q4 { scale: Dtype::F32 });

/// The format, by the type of its scales.
#[derive(Debug)]
struct Q4 {
    scale: Dtype,
}

impl Format for Q4 {
    fn name(&self) -> &'static str {
        if self.scale == Dtype::F16 { "q4f16" } else { "q4f32" }
    }

    /// `.q_weight` (`[rows, words of a row]`) and `.q_scale` (`[rows, groups of a row]`) instead of `.weight`, as MLC's packages have it.
    fn tensors(&self, name: &str, shape: &[u64]) -> Vec<Param> {
        let (&columns, rows) = shape.split_last().expect("a quantized parameter has rows and columns");
        let groups = columns.div_ceil(codes::GROUP as u64);
        let module = name.strip_suffix(".weight").unwrap_or(name);
        let part = |suffix: &str, last: u64, dtype| Param::whole(format!("{module}.{suffix}"), [rows, &[last]].concat(), dtype);
        vec![part("q_weight", groups * codes::GROUP_WORDS as u64, Dtype::U32), part("q_scale", groups, self.scale)]
    }

    fn codec(&self, rounded: bool) -> Option<Arc<dyn Codec>> {
        Some(Arc::new(match self.scale {
            Dtype::F16 => codes::Scale::F16,
            _ if rounded => codes::Scale::Bf16,
            _ => codes::Scale::F32,
        }))
    }

    fn bindings(&self) -> &'static [&'static str] {
        &["weights", "scales"]
    }

    /// The width of a load is part of a binding's type, and not every device has f16, so tunables choose modules.
    fn build(&self, build: &mut Build<'_>) {
        build.slot("quant/q4f16", if self.scale == Dtype::F16 { "quant/q4f16" } else { "quant/q4f32" });
        match build.schedule.value("WORDS") {
            Some(1) => build.slot("quant/words4", "quant/words1"),
            Some(2) => build.slot("quant/words4", "quant/words2"),
            _ => {}
        }
        if build.schedule.value("F16") == Some(1) {
            build.slot("dot/q4", "dot/q4_half");
        }
        if self.scale == Dtype::F16 && build.imports("stage/plain") {
            build.slot("stage/plain", "stage/q4");
        }
    }

    fn row_bytes(&self, k: u32) -> u64 {
        u64::from(k.div_ceil(32)) * (16 + self.scale.bytes())
    }

    fn pieces(&self, k: u32) -> u32 {
        k.div_ceil(16)
    }

    fn has_half(&self) -> bool {
        true
    }

    fn takes_int8(&self) -> bool {
        true
    }

    fn operands(&self, random: &mut Random, n: usize, k: usize) -> Vec<(&'static str, Vec<u32>)> {
        let groups = n * k.div_ceil(codes::GROUP);
        // The padding of ragged rows holds noise here: kernels must not depend on it.
        let weights = random.bits(codes::GROUP_WORDS * groups);
        let scales = if self.scale == Dtype::F16 { random.halves(groups, 0.01, 0.1) } else { random.floats(groups, 0.01, 0.1) };
        vec![("weights", weights), ("scales", scales)]
    }

    fn row(&self, operands: &Operands, row: usize, k: usize) -> Vec<f64> {
        let (weights, scales) = (operands.read("weights"), operands.read("scales"));
        let groups = k.div_ceil(codes::GROUP);
        let mut elements = Vec::with_capacity(codes::GROUP * groups);
        for group in row * groups..(row + 1) * groups {
            let scale = scales.typed(self.scale, group);
            let words = &weights.0[codes::GROUP_WORDS * group..][..codes::GROUP_WORDS];
            elements
                .extend(words.iter().flat_map(|word| [0, 4, 8, 12, 16, 20, 24, 28].map(|bit| (f64::from(word >> bit & 15) - 7.0) * scale)));
        }
        elements.truncate(k);
        elements
    }
}
