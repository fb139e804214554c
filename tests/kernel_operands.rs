//! Kernel cases: specs of odd shapes, and steps to run them on.

use tegula_compiler::spec::operands::Step;
use tegula_compiler::spec::{
    ArgMax, Attention, Draw, DrawStage, Embed, Format, HeadNorm, Heads, Input, Matmul, Merge, Norm, Output, Quantize, Rows, Spec, splits,
};
use tegula_plan::{Dtype, StepSize};

const FORMATS: [Format; 4] = [Format::Q4 { scale: Dtype::F16 }, Format::Q4 { scale: Dtype::F32 }, Format::F16, Format::F32];
const PAGES_PER_SEQUENCE: u32 = 12;

/// A step, and how many schedules are tried on it.
pub struct Case {
    pub step: Step,
    pub vary: Vary,
}

/// Which schedules are tried beside the default: on some specs of each template, since every kernel takes time to compile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Vary {
    /// None.
    No,
    /// Those that differ in one tunable.
    One,
    /// All that the search would try for devices with matrix units, and all blocks elsewhere.
    Matrix,
    /// All that the search would try.
    All,
}

/// Specs over all formats, prologues and epilogues, with shapes that divide by nothing convenient.
pub fn cases() -> Vec<Case> {
    let heads = |query, kv, dim, cache| Heads { query, kv, dim, cache };
    let mut specs = Vec::new();
    for (index, format) in FORMATS.into_iter().enumerate() {
        specs.push(Spec::Embed(Embed { n: 50, k: 172, format, head_dim: 16 }));
        let cache = if index % 2 == 0 { Dtype::F16 } else { Dtype::F32 };
        for rows in [Rows::One, Rows::Few, Rows::Many] {
            let matmul = |n, k, bias, input, output| Spec::Matmul(Matmul { n, k, format, bias, input, eps: 1e-5, output, rows });
            specs.push(matmul(361, 172, true, Input::Norm, Output::Store { stride: 400 }));
            specs.push(matmul(64, 172, false, Input::Plain, Output::Residual));
            specs.push(matmul(344, 64, false, Input::Norm, Output::SiluMul));
            specs.push(matmul(128, 128, true, Input::Norm, Output::Heads(heads(4, 2, 16, cache))));
            specs.push(matmul(192, 2080, false, Input::Plain, Output::Store { stride: 192 }));
        }
    }
    for cache in [Dtype::F16, Dtype::F32] {
        specs.push(Spec::HeadNorm(HeadNorm { heads: heads(6, 2, 64, cache), eps: 1e-6 }));
        for (query, kv, dim) in [(4, 2, 32), (8, 4, 8), (14, 2, 64), (3, 3, 96), (10, 1, 128), (2, 2, 256)] {
            for (window, split, rows) in
                [(None, true, Rows::One), (Some(24), true, Rows::One), (None, false, Rows::Many), (Some(20), false, Rows::Many)]
            {
                let heads = heads(query, kv, dim, cache);
                specs.push(Spec::Attention(Attention { heads, scale: 0.3, window, pages_per_sequence: PAGES_PER_SEQUENCE, split, rows }));
            }
        }
    }
    // Heads that subgroups of all sizes can share out, and that every schedule is tried on.
    let (heads_of_64, split, rows) = (heads(4, 2, 64, Dtype::F16), true, Rows::One);
    let spec = Attention { heads: heads_of_64, scale: 0.3, window: None, pages_per_sequence: PAGES_PER_SEQUENCE, split, rows };
    specs.push(Spec::Attention(spec));
    // For matrix units: lines of fragments that are odd in number, and long ones that subgroups cannot share out, windows that leave out tiles and
    // such that leave none out, and scores that grow so much that what was summed before has to be scaled.
    for ((query, kv, dim), scale, window) in [
        ((2, 1, 80), 0.3, None),
        ((4, 4, 16), 1.0, Some(100)),
        ((8, 2, 128), 0.3, Some(100)),
        ((14, 2, 64), 0.6, None),
        ((14, 2, 64), 0.6, Some(70)),
        ((16, 2, 192), 0.3, None),
        ((4, 2, 144), 0.3, None),
    ] {
        let heads = heads(query, kv, dim, Dtype::F16);
        let (split, rows) = (false, Rows::Many);
        specs.push(Spec::Attention(Attention { heads, scale, window, pages_per_sequence: PAGES_PER_SEQUENCE, split, rows }));
    }
    specs.extend([(8, 16), (14, 64), (3, 96), (10, 256)].map(|(heads, dim)| Spec::Merge(Merge { heads, kv: heads, dim })));
    specs.extend([64, 344, 2048].map(|width| Spec::Norm(Norm { width, eps: 1e-5 })));
    for format in FORMATS {
        let matmul = |n, k, output| Matmul { n, k, format, bias: true, input: Input::Normed, eps: 0.0, output, rows: Rows::Many };
        specs.push(Spec::Matmul(matmul(128, 344, Output::Heads(heads(4, 2, 16, Dtype::F16)))));
        specs.push(Spec::Matmul(matmul(344, 128, Output::SiluMul)));
    }
    for width in [64, 172, 4320] {
        specs.extend([None, Some(1e-5)].map(|norm| Spec::Quantize(Quantize { width, norm })));
    }
    for scale in [Dtype::F16, Dtype::F32] {
        let format = Format::Q4 { scale };
        let matmul = |n, k, bias, output| Matmul { n, k, format, bias, input: Input::Bytes, eps: 0.0, output, rows: Rows::Many };
        specs.push(Spec::Matmul(matmul(361, 172, true, Output::Store { stride: 400 })));
        specs.push(Spec::Matmul(matmul(64, 172, false, Output::Residual)));
        specs.push(Spec::Matmul(matmul(344, 96, false, Output::SiluMul)));
        specs.push(Spec::Matmul(matmul(128, 128, true, Output::Heads(heads(4, 2, 16, scale)))));
        specs.push(Spec::Matmul(matmul(192, 2080, false, Output::Store { stride: 192 })));
    }
    for rows in [Rows::One, Rows::Few] {
        specs.push(Spec::ArgMax(ArgMax::Parts { vocab: 361, rows }));
        specs.push(Spec::ArgMax(ArgMax::Whole { rows }));
        specs.extend([361, 20_000].iter().flat_map(|&vocab| DrawStage::ALL.map(|stage| Spec::Draw(Draw { stage, vocab, rows }))));
    }
    specs.into_iter().flat_map(steps).collect()
}

/// Rows of a prompt that are several blocks of any kernel but those for matrix units.
pub const BLOCKS: u32 = 19;

/// The steps that a spec is run on.
fn steps(spec: Spec) -> Vec<Case> {
    let q4f16 = Format::Q4 { scale: Dtype::F16 };
    let vary = match spec {
        // Everything is tried on one spec of each template, and of each format where single rows make that quick.
        Spec::Matmul(Matmul { output: Output::Residual, bias: false, rows: Rows::One, n: 64, .. }) => Vary::All,
        Spec::Matmul(Matmul { output: Output::Residual, rows: Rows::Few, format, .. }) if format == q4f16 => Vary::All,
        Spec::Matmul(Matmul { output: Output::Residual, rows: Rows::Many, format: Format::F16, .. }) => Vary::All,
        Spec::Matmul(Matmul { output: Output::Residual, input: Input::Bytes, format, .. }) if format == q4f16 => Vary::All,
        Spec::Attention(Attention { heads: Heads { dim: 8, cache: Dtype::F16, .. }, window: Some(_), .. }) => Vary::All,
        Spec::Attention(Attention { heads: Heads { query: 4, dim: 64, .. }, .. }) => Vary::All,
        Spec::Norm(_) | Spec::Quantize(_) | Spec::HeadNorm(_) | Spec::ArgMax(_) | Spec::Merge(_) => Vary::All,
        // Eight rows of x that end within a piece have more branches than SwiftShader's compiler can take: it needs gigabytes, and minutes.
        Spec::Matmul(Matmul { output: Output::Store { .. }, rows: Rows::Few, .. }) => Vary::No,
        Spec::Matmul(Matmul { format, bias: true, .. }) if format == q4f16 || format == Format::F32 => Vary::One,
        Spec::Attention(Attention { heads: Heads { dim: 32, .. }, window: Some(_), .. }) => Vary::One,
        Spec::Attention(Attention { heads: Heads { dim: 64 | 80 | 128, .. }, window: None, rows: Rows::Many, .. }) => Vary::Matrix,
        Spec::Matmul(_) | Spec::Attention(_) | Spec::Embed(_) | Spec::Draw(_) => Vary::No,
    };
    let segments = 1;
    let case =
        |rows, first, pages, splits| Case { step: Step { spec, rows, first, segments, pages, splits, cached: PAGES_PER_SEQUENCE }, vary };
    match spec {
        // The only row there is, and the last of several, which a prompt ends with.
        Spec::Matmul(Matmul { rows: Rows::One, output: Output::Store { .. } | Output::SiluMul, .. }) => {
            vec![case(1, 0, 1, 1), case(7, 6, 1, 1)]
        }
        Spec::Matmul(Matmul { rows: Rows::One, output: Output::Residual, .. }) => vec![case(7, 6, 1, 1)],
        Spec::Matmul(Matmul { rows: Rows::One, .. }) | Spec::ArgMax(ArgMax::Parts { rows: Rows::One, .. }) => vec![case(1, 0, 1, 1)],
        Spec::ArgMax(ArgMax::Whole { rows: Rows::One }) => vec![case(7, 6, 1, 1)],
        // A single row finds its logits at the start, and one of each sequence shows each way to draw.
        Spec::Draw(Draw { rows: Rows::One, .. }) => vec![case(7, 6, 1, 1), case(1, 0, 1, 1)],
        Spec::Draw(_) => vec![case(4, 0, 1, 1)],
        Spec::ArgMax(_) => vec![case(3, 0, 1, 1), case(7, 5, 1, 1)],
        // One more than any number that a kernel takes together, behind rows of a prompt.
        Spec::Matmul(Matmul { rows: Rows::Few, .. }) => vec![case(11, 2, 1, 1)],
        Spec::Matmul(_) => vec![case(70, 0, 1, 1)],
        Spec::Attention(Attention { split: true, heads, .. }) => {
            let parts = |rows, pages| splits(heads.kv).eval(&StepSize::singles(rows, pages));
            // The third has rows of a prompt before its own.
            [(1, 0, 4), (3, 0, 12), (7, 4, 12)].map(|(rows, first, pages)| case(rows, first, pages, parts(rows, pages))).into()
        }
        // The end of a prompt, a chunk in the middle of it, and all of it; then prompts of several sequences.
        Spec::Attention(_) => {
            let alone = [BLOCKS, 77, 189].map(|rows| case(rows, 0, 12, 1));
            let together = [(BLOCKS, 3), (77, 3), (189, 4)].map(|(rows, segments)| {
                let Case { step, vary } = case(rows, 0, 12, 1);
                // What a schedule does with several it does whatever its tunables are, but for the number of rows that it takes.
                Case { step: Step { segments, ..step }, vary }
            });
            alone.into_iter().chain(together).collect()
        }
        Spec::Merge(_) => {
            [(1, 0, 1), (1, 0, 3), (3, 0, 16), (2, 0, 64), (6, 4, 5)].map(|(rows, first, splits)| case(rows, first, 1, splits)).into()
        }
        Spec::Embed(_) | Spec::Norm(_) | Spec::Quantize(_) | Spec::HeadNorm(_) => vec![case(5, 0, 1, 1)],
    }
}
