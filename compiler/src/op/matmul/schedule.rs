//! The default schedules of matrix multiplications: where every search begins, and what runs if nothing was measured.

use super::{Input, Matmul, Output, Rows};
use crate::schedule::Schedule;
use tegula_plan::Requires;

/// Two quads a team and loads of two words are near the best everywhere in single precision: with small teams where there are very many
/// rows, and large ones where there are few. In half precision larger teams are best where rows are long, and x is worth staging where
/// there are very many rows. Tiles take eight rows an invocation by two quads; the epilogue of the heads needs registers of its own.
pub(super) fn default(spec: &Matmul, requires: &Requires) -> Schedule {
    let quads = if matches!(spec.output, Output::Residual | Output::Gated(_) | Output::GatedSecond(_)) { 2 } else { 1 };
    if spec.input == Input::Int8 {
        return Schedule::with("matmul/int8", [("QUADS", quads)]);
    }
    if spec.rows == Rows::Many && requires.matrix {
        // Large tiles where there are enough of them to fill a GPU.
        let large = u64::from(spec.n) * u64::from(spec.k) >= 1 << 24;
        let values = if large { vec![("BM", 128), ("BN", 128), ("BK", 64), ("SM", 4)] } else { vec![] };
        return Schedule { template: "matmul/tile_matrix", values };
    }
    if spec.rows == Rows::Many {
        return Schedule::with("matmul/tile", [("TM", 8), ("QUADS", quads)]);
    }
    // Invocations behind the last piece of a row would idle.
    let pieces = spec.format.pieces(spec.k);
    let half = requires.f16 && spec.format.has_half();
    let very_many = spec.n >= 16_384;
    // A row of x of halves fits into workgroup memory with the powers of its pieces and what its sums need.
    if half && spec.rows == Rows::One && very_many && (512..=5888).contains(&spec.k) {
        return Schedule::with("matmul/vec_staged", [("WORDS", 2)]);
    }
    // Of several rows, sums of larger teams would not fit into workgroup memory where there are no subgroups.
    let most = match spec.rows {
        Rows::Few => 64,
        _ if half && pieces >= 512 => 256,
        _ => 128,
    };
    let team = if very_many { 32 } else { pieces.next_power_of_two().clamp(32, most) };
    let mut values = vec![("TEAM", team), ("QUADS", 2), ("WORDS", 2)];
    if spec.input == Input::Halved {
        return Schedule { template: "matmul/halved", values };
    }
    if half {
        values.push(("F16", 1));
    }
    let template = if spec.rows == Rows::Few { "matmul/columns" } else { "matmul/vec" };
    Schedule { template, values }
}
