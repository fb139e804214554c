//! Schedules that are known to be good enough anywhere: what is taken where nothing was measured, and where every search begins.

use super::{MAX_WORKGROUP_MEMORY, Schedule};
use crate::spec::{ArgMax, Attention, DrawStage, Format, Heads, Input, Matmul, Output, Rows, Spec};
use tegula_plan::{Dtype, Requires};

/// What is known to be good enough anywhere.
#[must_use]
pub fn default_schedule(spec: &Spec, requires: &Requires) -> Schedule {
    match spec {
        Spec::Norm(_) => Schedule { template: "norm/rows", values: vec![] },
        Spec::Quantize(_) => Schedule { template: "quantize/rows", values: vec![] },
        Spec::Matmul(spec) => matmul_schedule(spec, requires),
        Spec::Embed(_) => Schedule { template: "embed/lookup", values: vec![] },
        Spec::HeadNorm(_) => Schedule { template: "norm/heads", values: vec![] },
        Spec::Attention(spec) => attention_schedule(spec, requires),
        Spec::Merge(_) => Schedule { template: "attention/merge", values: vec![] },
        Spec::ArgMax(ArgMax::Parts { .. }) => Schedule { template: "sample/argmax_parts", values: vec![] },
        Spec::ArgMax(ArgMax::Whole { .. }) => Schedule { template: "sample/argmax_whole", values: vec![] },
        Spec::Draw(spec) => {
            let template = match spec.stage {
                DrawStage::Adjust => "sample/draw_adjust",
                DrawStage::Weigh => "sample/draw_weigh",
                DrawStage::Gather => "sample/draw_gather",
                DrawStage::Pick => "sample/draw_pick",
            };
            Schedule { template, values: vec![] }
        }
    }
}

/// On an H200, of 72 schedules in single precision for each mat-vec of Llama-3.2-1B and 3.1-8B, two quads a team and loads of two words are within
/// 14 % of the best everywhere: with teams of 32 where there are very many rows (28672x4096: 40 us, 46 with 128), of 128 where there are few
/// (4096x14336: 21 us, 43 with 32). Of 96 in half precision teams of 256 are best where rows are long (4096x14336: 15 us, 18 with 128), and x
/// is worth staging where there are very many (28672x4096: 26 us, 30 without). Of about 90 tiles in f32, eight rows an invocation by two quads (one
/// with the epilogue of the heads, which needs registers of its own) are at most 12 % behind the best on the products of the layers (29 to 34
/// TFLOP/s); those of the head are up to 22 % behind.
fn matmul_schedule(spec: &Matmul, requires: &Requires) -> Schedule {
    let quads = if matches!(spec.output, Output::Residual | Output::SiluMul) { 2 } else { 1 };
    if spec.input == Input::Bytes {
        return Schedule { template: "matmul/int8", values: vec![("QUADS", quads)] };
    }
    if spec.rows == Rows::Many && requires.matrix {
        // Large tiles where there are enough of them to fill a GPU.
        let large = u64::from(spec.n) * u64::from(spec.k) >= 1 << 24;
        let values = if large { vec![("BM", 128), ("BN", 128), ("BK", 64), ("SM", 4)] } else { vec![] };
        return Schedule { template: "matmul/tile_matrix", values };
    }
    if spec.rows == Rows::Many {
        return Schedule { template: "matmul/tile", values: vec![("TM", 8), ("QUADS", quads)] };
    }
    // Invocations behind the last piece of a row would idle.
    let pieces = match spec.format {
        Format::Q4 { .. } => spec.k.div_ceil(16),
        Format::F16 | Format::F32 => spec.k / 4,
    };
    let half = requires.f16 && matches!(spec.format, Format::Q4 { .. });
    let very_many = spec.n >= 16_384;
    // A row of x of halves fits into workgroup memory with the powers of its pieces and what its sums need.
    if half && spec.rows == Rows::One && very_many && (512..=5888).contains(&spec.k) {
        return Schedule { template: "matmul/vec_staged", values: vec![("WORDS", 2)] };
    }
    // Of several rows, sums of larger teams would not fit into workgroup memory where there are no subgroups.
    let most = match spec.rows {
        Rows::Few => 64,
        _ if half && pieces >= 512 => 256,
        _ => 128,
    };
    let team = if very_many { 32 } else { pieces.next_power_of_two().clamp(32, most) };
    let mut values = vec![("TEAM", team), ("QUADS", 2), ("WORDS", 2)];
    if half {
        values.push(("F16", 1));
    }
    let template = if spec.rows == Rows::Few { "matmul/columns" } else { "matmul/vec" };
    Schedule { template, values }
}

/// A workgroup for each row where rows are of different sequences, or there is one; several rows of a prompt share one, and with it its keys.
///
/// On an H200 `row_shared` with these values takes 0.89 (heads of 64 elements) and 0.91 (128) of the time of `row` with these; strands of four take
/// 1.6 times as long at best where heads are of 128. `flash_blocks` takes 0.34 to 0.39 of the time of `flash`.
fn attention_schedule(spec: &Attention, requires: &Requires) -> Schedule {
    let (group, dim) = (head_group(&spec.heads), spec.heads.dim);
    if spec.rows != Rows::Many {
        // Queries are kept in registers: at most 32 vectors an invocation.
        let strand = if dim == 32 { 4 } else { 8 };
        if requires.subgroup_size() >= 8
            && dim <= 128
            && dim.is_multiple_of(8 * strand)
            && dim / strand / 4 * group.next_multiple_of(4) <= 32
        {
            return Schedule { template: "attention/row_shared", values: vec![("KEY_LANES", strand), ("AHEAD", 4)] };
        }
        let many = dim.div_ceil(4).div_ceil(8) * group > 32;
        let mut values = vec![("KEY_LANES", if many { 16 } else { 8 })];
        // Workgroup memory holds a part of a score an invocation, and what strands know, of which short heads make many.
        if many {
            values.push(("TILE", 16));
        } else if dim < 16 {
            values.push(("LANES", 128));
        }
        return Schedule { template: "attention/row", values };
    }
    if requires.matrix && fits_matrix(spec) {
        // Two subgroups share queries, or four where heads are long, whose fragments need many registers: as many as divide a head's fragments.
        let (down, most) = if dim > 128 { (2, 4) } else { (4, 2) };
        let across = [4, 2].into_iter().find(|across| *across <= most && dim.is_multiple_of(16 * across)).unwrap_or(1);
        return Schedule { template: "attention/flash_matrix", values: vec![("DOWN", down), ("ACROSS", across)] };
    }
    if requires.subgroup_size() >= 8 && dim.is_multiple_of(32) && dim <= 128 && !spec.split {
        return Schedule { template: "attention/flash_blocks", values: vec![("DOWN", if dim > 64 { 8 } else { 16 })] };
    }
    // Queries are kept in workgroup memory: at most half of it.
    let queries = (MAX_WORKGROUP_MEMORY / 8 / dim).clamp(1, 16);
    Schedule { template: "attention/flash", values: vec![("ROWS", (queries / group).max(1)), ("LANES", 64)] }
}

/// Whether matrix units can have it: they multiply halves, sixteen elements at a time.
fn fits_matrix(spec: &Attention) -> bool {
    spec.heads.cache == Dtype::F16 && spec.heads.dim.is_multiple_of(16) && spec.heads.dim <= 256 && !spec.split
}

/// Query heads that a workgroup takes together: all that share a key head, or the largest divisor of their number up to eight.
pub(super) fn head_group(heads: &Heads) -> u32 {
    let sharing = heads.query / heads.kv;
    (1..=sharing.min(8)).rev().find(|group| sharing.is_multiple_of(*group)).unwrap_or(1)
}
