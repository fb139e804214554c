//! The least that a step costs: bytes that must be moved and floating-point operations that must be done, whatever the schedule.

use super::draw::{DRAW_BINS, draw_parts};
use super::operands::Step;
use super::{ARGMAX_PARTS, ArgMax, DrawStage, Format, Heads, Input, Output, Rows, Spec, byte_row_words};
use tegula_plan::{Dtype, PAGE_SIZE};

impl Step {
    /// Bytes that are read or written at least once.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let rows = self.worked_rows();
        match &self.spec {
            Spec::Embed(spec) => rows * (u64::from(spec.k) * 4 + row_bytes(spec.format, spec.k) + u64::from(spec.head_dim) * 4),
            Spec::Norm(spec) => rows * 6 * u64::from(spec.width),
            Spec::Quantize(spec) => rows * 4 * u64::from(spec.width + byte_row_words(spec.width)),
            Spec::Matmul(spec) => {
                let (n, k) = (u64::from(spec.n), u64::from(spec.k));
                let input = match spec.input {
                    Input::Plain | Input::Norm => 4 * k,
                    Input::Normed => 2 * k,
                    Input::Bytes => 4 * u64::from(byte_row_words(spec.k)),
                };
                let output = match &spec.output {
                    Output::Store { .. } => 4 * n,
                    Output::Residual => 8 * n,
                    Output::SiluMul => 2 * n,
                    Output::Heads(heads) => head_bytes(heads),
                };
                n * row_bytes(spec.format, spec.k) + rows * (input + output)
            }
            Spec::HeadNorm(spec) => {
                let heads = &spec.heads;
                rows * (u64::from((heads.query + 2 * heads.kv) * heads.dim) * 4 + head_bytes(heads))
            }
            Spec::Attention(spec) => {
                let (heads, dim) = (u64::from(spec.heads.query), u64::from(spec.heads.dim));
                let sequences = if spec.rows == Rows::Many { 1 } else { rows };
                let keys = u64::from(self.cached * PAGE_SIZE).min(spec.window.map_or(u64::MAX, u64::from).saturating_add(rows));
                let key = 2 * u64::from(spec.heads.kv) * dim * spec.heads.cache.bytes();
                let output = if spec.split { u64::from(self.splits) * (dim + 4) } else { dim };
                sequences * keys * key + rows * heads * 4 * (dim + output)
            }
            Spec::Merge(spec) => {
                let (heads, dim) = (u64::from(spec.heads), u64::from(spec.dim));
                rows * heads * 4 * (u64::from(self.splits) * (dim + 4) + dim)
            }
            Spec::ArgMax(ArgMax::Parts { vocab, .. }) => rows * (4 * u64::from(*vocab) + 8 * u64::from(ARGMAX_PARTS)),
            Spec::ArgMax(ArgMax::Whole { .. }) => rows * 8 * u64::from(ARGMAX_PARTS),
            Spec::Draw(spec) => {
                let parts = u64::from(draw_parts(spec.vocab));
                let (logits, histograms) = (4 * u64::from(spec.vocab), 4 * u64::from(DRAW_BINS) * parts);
                rows * match spec.stage {
                    DrawStage::Adjust => logits + 8 * parts,
                    DrawStage::Weigh | DrawStage::Gather => logits + histograms,
                    DrawStage::Pick => histograms,
                }
            }
        }
    }

    /// Multiplications and additions, where they are what a kernel may be bound by: products and attention of many rows. Zero for everything
    /// else.
    #[must_use]
    pub fn operations(&self) -> u64 {
        match &self.spec {
            Spec::Matmul(spec) if spec.rows == Rows::Many => 2 * u64::from(spec.n) * u64::from(spec.k) * self.worked_rows(),
            Spec::Attention(spec) if spec.rows == Rows::Many => {
                let seen = |row| u64::from(self.position(row) + 1).min(spec.window.map_or(u64::MAX, u64::from));
                4 * u64::from(spec.heads.query) * u64::from(spec.heads.dim) * (0..self.rows).map(seen).sum::<u64>()
            }
            _ => 0,
        }
    }

    fn worked_rows(&self) -> u64 {
        let one = match &self.spec {
            Spec::Matmul(spec) => spec.rows == Rows::One,
            Spec::ArgMax(ArgMax::Parts { rows, .. } | ArgMax::Whole { rows }) => *rows == Rows::One,
            Spec::Draw(spec) => spec.rows == Rows::One,
            Spec::Embed(_) | Spec::Norm(_) | Spec::Quantize(_) | Spec::HeadNorm(_) | Spec::Attention(_) | Spec::Merge(_) => false,
        };
        if one { 1 } else { u64::from(self.rows) }
    }
}

/// Bytes of a row of a weight matrix.
fn row_bytes(format: Format, k: u32) -> u64 {
    match format {
        Format::Q4 { scale } => u64::from(k.div_ceil(32)) * (16 + scale.bytes()),
        Format::F16 => 2 * u64::from(k),
        Format::F32 => 4 * u64::from(k),
    }
}

/// Bytes that a row of heads takes where attention finds them.
fn head_bytes(heads: &Heads) -> u64 {
    let cache = if heads.cache == Dtype::F32 { 4 } else { 2 };
    u64::from(heads.dim) * (4 * u64::from(heads.query) + 2 * cache * u64::from(heads.kv))
}
