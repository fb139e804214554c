//! What all ops have in common.

use super::attention::Attention;
use super::heads::Heads;
use super::matmul::{Input, Matmul, Output};
use super::{Op, Rows};
use crate::format::Q4F16;
use crate::graph::Act;
use tegula_plan::Dtype;

#[test]
fn keys_name_shapes_and_leave_out_what_does_not_matter() {
    let matmul = Matmul {
        n: 28_672,
        k: 4096,
        format: Q4F16,
        bias: false,
        factor: 1.0,
        input: Input::Norm,
        eps: 1e-5,
        output: Output::Gated(Act::Silu),
        rows: Rows::One,
    };
    assert_eq!(matmul.key(), "matmul q4f16 n=28672 k=4096 norm silu_mul one");
    assert_eq!(Matmul { eps: 1e-6, ..matmul }.key(), matmul.key());
    let heads = Heads { query: 32, kv: 8, dim: 128, cache: Dtype::F16 };
    let attention = Attention { heads, scale: 0.1, softcap: None, window: None, pages_per_sequence: 8, split: true, rows: Rows::One };
    assert_eq!(attention.key(), "attention 32/8x128:f16 split one");
    let windowed = Attention { window: Some(4096), pages_per_sequence: 16, ..attention };
    assert_eq!(windowed.key(), "attention 32/8x128:f16 window=4096 split one");
}
