//! Kernel cases: specs of odd shapes, and steps to run them on.

use tegula_compiler::format::{F16, F32, Q4F16, Q4F32, Storage};
use tegula_compiler::graph::{Act, Growth, HeadSpan, NormKind, Pairs};
use tegula_compiler::op::argmax::ArgMax;
use tegula_compiler::op::attention::merge::Merge;
use tegula_compiler::op::attention::{Attention, splits};
use tegula_compiler::op::draw::{Draw, DrawStage};
use tegula_compiler::op::embed::Embed;
use tegula_compiler::op::group_norm::GroupNorm;
use tegula_compiler::op::halve::Halve;
use tegula_compiler::op::head_norm::HeadNorm;
use tegula_compiler::op::heads::{Append, Heads, Turn};
use tegula_compiler::op::matmul::{Input, Matmul, Output};
use tegula_compiler::op::norm::{Norm, Place};
use tegula_compiler::op::positions::Positions;
use tegula_compiler::op::quantize::Quantize;
use tegula_compiler::op::rotation::Angles;
use tegula_compiler::op::step::Step;
use tegula_compiler::op::{Rows, Spec};
use tegula_plan::{Dtype, StepSize};

const FORMATS: [Storage; 4] = [Q4F16, Q4F32, F16, F32];
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
    let specs = [embeds(), matmuls(), attentions(), norms(), picks()].concat();
    specs.into_iter().flat_map(steps).collect()
}

fn heads(query: u32, kv: u32, dim: u32, cache: Dtype) -> Heads {
    Heads { query, kv, dim, cache }
}

fn rotated(query: u32, kv: u32, dim: u32, cache: Dtype) -> Output {
    Output::Heads(Append { heads: heads(query, kv, dim, cache), turn: Some(Turn::whole(dim)) })
}

fn embeds() -> Vec<Spec> {
    let angles = |width, factor| Some(Angles { width, factor, long: false });
    let of = |format| [(angles(16, 1.0), 1.0), (None, 8.5)].map(|(angles, scale)| Embed { n: 50, k: 172, format, angles, scale }.into());
    let mut specs: Vec<Spec> = FORMATS.into_iter().flat_map(of).collect();
    specs.push(Embed { n: 50, k: 172, format: F32, angles: angles(12, 1.3), scale: 1.0 }.into());
    specs.extend(
        [(96, 1.0, false), (20, 0.8, false), (24, 1.2, true)].map(|(width, factor, long)| Angles { width, factor, long }).map(Spec::from),
    );
    // Positions of test steps go up to 191.
    specs.extend(FORMATS.map(|format| Spec::from(Positions { n: 130, k: 172, format })));
    specs
}

fn matmuls() -> Vec<Spec> {
    let mut specs: Vec<Spec> = Vec::new();
    for (index, format) in FORMATS.into_iter().enumerate() {
        let cache = if index % 2 == 0 { Dtype::F16 } else { Dtype::F32 };
        for rows in [Rows::One, Rows::Few, Rows::Many] {
            let matmul = |n, k, bias, input, output| Spec::from(Matmul { n, k, format, bias, factor: 1.0, input, eps: 1e-5, output, rows });
            specs.push(matmul(361, 172, true, Input::Norm, Output::store(400)));
            specs.push(matmul(64, 172, false, Input::Plain, Output::Residual));
            specs.push(matmul(344, 64, false, Input::Norm, Output::Gated(Act::Silu)));
            specs.push(matmul(128, 128, true, Input::Norm, rotated(4, 2, 16, cache)));
            specs.push(matmul(192, 2080, false, Input::Plain, Output::store(192)));
        }
        // Epilogues that have nothing to do with the format, each with another one.
        let rows = if index < 2 { Rows::One } else { Rows::Many };
        let matmul = |n, bias, input, output| Spec::from(Matmul { n, k: 96, format, bias, factor: 1.0, input, eps: 1e-5, output, rows });
        specs.push(match index {
            0 => matmul(256, false, Input::Norm, Output::Gated(Act::GeluTanh)),
            1 => matmul(361, false, Input::Norm, Output::Store { stride: 361, softcap: Some(20.0) }),
            2 => matmul(128, true, Input::Plain, Output::Act(Act::GeluTanh)),
            _ => matmul(128, true, Input::Plain, Output::Heads(Append { heads: heads(4, 2, 16, cache), turn: None })),
        });
    }
    for (index, rows) in [Rows::One, Rows::Few, Rows::Many].into_iter().enumerate() {
        let (format, cache) = (FORMATS[index], if index == 1 { Dtype::F32 } else { Dtype::F16 });
        let matmul =
            |n, bias, factor, output| Spec::from(Matmul { n, k: 96, format, bias, factor, input: Input::Plain, eps: 0.0, output, rows });
        let turned =
            |width, pairs, growth| Output::Heads(Append { heads: heads(4, 2, 16, cache), turn: Some(Turn { width, pairs, growth }) });
        specs.push(matmul(128, true, 1.0, turned(12, Pairs::Halves, None)));
        specs.push(matmul(128, false, 1.0, turned(8, Pairs::Neighbours, None)));
        specs.push(matmul(128, false, 1.0, turned(16, Pairs::Neighbours, Some(Growth { rate: 0.3, span: 40 }))));
        specs.push(matmul(64, false, 0.22, Output::Residual));
        specs.push(matmul(64, false, 1.0, Output::Product { act: Act::GeluTanh, stride: 200 }));
        specs.push(matmul(344, false, 1.0, Output::GatedSecond(Act::Gelu)));
        specs.push(matmul(361, true, 0.5, Output::Store { stride: 361, softcap: Some(20.0) }));
    }
    for format in FORMATS {
        let matmul =
            |n, k, output| Matmul { n, k, format, bias: true, factor: 1.0, input: Input::Normed, eps: 0.0, output, rows: Rows::Many };
        specs.push(matmul(128, 344, rotated(4, 2, 16, Dtype::F16)).into());
        specs.push(matmul(344, 128, Output::Gated(Act::Silu)).into());
    }
    for format in [Q4F16, Q4F32] {
        let matmul =
            |n, k, bias, output| Matmul { n, k, format, bias, factor: 1.0, input: Input::Halved, eps: 0.0, output, rows: Rows::Few };
        specs.push(matmul(361, 168, true, Output::store(400)).into());
        specs.push(matmul(64, 200, false, Output::Residual).into());
        specs.push(matmul(344, 64, false, Output::Gated(Act::Silu)).into());
        specs.push(matmul(192, 2080, false, Output::store(192)).into());
    }
    for (format, scale) in [(Q4F16, Dtype::F16), (Q4F32, Dtype::F32)] {
        let matmul =
            |n, k, bias, output| Matmul { n, k, format, bias, factor: 1.0, input: Input::Int8, eps: 0.0, output, rows: Rows::Many };
        specs.push(matmul(361, 172, true, Output::store(400)).into());
        specs.push(matmul(64, 172, false, Output::Residual).into());
        specs.push(matmul(344, 96, false, Output::Gated(Act::Silu)).into());
        specs.push(matmul(128, 128, true, rotated(4, 2, 16, scale)).into());
        specs.push(matmul(192, 2080, false, Output::store(192)).into());
    }
    specs
}

fn attention(heads: Heads, scale: f32, window: Option<u32>, rows: Rows) -> Attention {
    Attention { heads, scale, softcap: None, window, pages_per_sequence: PAGES_PER_SEQUENCE, split: rows != Rows::Many, rows }
}

fn attentions() -> Vec<Spec> {
    let mut specs: Vec<Spec> = Vec::new();
    for cache in [Dtype::F16, Dtype::F32] {
        for (query, kv, dim) in [(4, 2, 32), (8, 4, 8), (14, 2, 64), (3, 3, 96), (10, 1, 128), (2, 2, 256), (8, 1, 512)] {
            for (window, rows) in [(None, Rows::One), (Some(24), Rows::One), (None, Rows::Many), (Some(20), Rows::Many)] {
                specs.push(attention(heads(query, kv, dim, cache), 0.3, window, rows).into());
            }
        }
        // Scores that a cap changes.
        for (query, kv, dim, rows) in [(4, 2, 32, Rows::One), (2, 2, 256, Rows::One), (4, 2, 64, Rows::Many), (2, 1, 40, Rows::Many)] {
            specs.push(Attention { softcap: Some(2.0), ..attention(heads(query, kv, dim, cache), 0.6, Some(50), rows) }.into());
        }
    }
    // Heads that subgroups of all sizes can share out, and that every schedule is tried on.
    specs.push(attention(heads(4, 2, 64, Dtype::F16), 0.3, None, Rows::One).into());
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
        specs.push(attention(heads(query, kv, dim, Dtype::F16), scale, window, Rows::Many).into());
    }
    specs.extend([(8, 16), (14, 64), (3, 96), (10, 256)].map(|(heads, dim)| Spec::from(Merge { heads, kv: heads, dim })));
    specs
}

fn norms() -> Vec<Spec> {
    let mut specs: Vec<Spec> = Vec::new();
    for cache in [Dtype::F16, Dtype::F32] {
        let norm = |span, turn, rotated_first| {
            let append = Append { heads: heads(6, 2, 64, cache), turn };
            Spec::from(HeadNorm { append, span, values: false, rotated_first, eps: 1e-6 })
        };
        for (kv, values) in [(2, true), (0, false)] {
            let append = Append { heads: heads(6, kv, 64, cache), turn: Some(Turn::whole(64)) };
            specs.push(HeadNorm { append, span: HeadSpan::Each, values, rotated_first: false, eps: 1e-6 }.into());
        }
        specs.push(GroupNorm { width: 32, groups: 5, eps: 1e-6, factor: 0.7 }.into());
        specs.push(norm(HeadSpan::Each, Some(Turn::whole(64)), false));
        specs.push(norm(HeadSpan::Each, Some(Turn { width: 48, ..Turn::whole(64) }), true));
        specs.push(norm(HeadSpan::Each, None, false));
        specs.push(norm(HeadSpan::All, Some(Turn::whole(64)), false));
    }
    specs.extend([64, 344, 2048].map(|width| Spec::from(Norm::halves(width, 1e-5))));
    specs.push(Norm { kind: NormKind::Layer, bias: true, ..Norm::halves(344, 1e-5) }.into());
    for (kind, bias, place, rows) in [
        (NormKind::Layer, true, Place::Store, Rows::Many),
        (NormKind::Layer, false, Place::Residual, Rows::One),
        (NormKind::Rms, false, Place::Residual, Rows::Many),
        (NormKind::Rms, true, Place::Store, Rows::One),
        (NormKind::Rms, false, Place::ResidualScaled, Rows::One),
    ] {
        specs.push(Norm { width: 172, kind, bias, eps: 1e-5, place, rows }.into());
    }
    for width in [64, 172, 4320] {
        specs.extend([None, Some(1e-5)].map(|norm| Spec::from(Quantize { width, norm })));
    }
    for width in [64, 200, 4320] {
        specs.extend([None, Some(1e-5)].map(|norm| Spec::from(Halve { width, norm })));
    }
    specs
}

fn picks() -> Vec<Spec> {
    let mut specs: Vec<Spec> = Vec::new();
    for rows in [Rows::One, Rows::Few] {
        specs.push(ArgMax::Parts { vocab: 361, rows }.into());
        specs.push(ArgMax::Whole { rows }.into());
        specs.extend([361, 20_000].iter().flat_map(|&vocab| DrawStage::ALL.map(|stage| Spec::from(Draw { stage, vocab, rows }))));
    }
    specs
}

/// Rows of a prompt that are several blocks of any kernel but those for matrix units.
pub const BLOCKS: u32 = 19;

/// Which schedules are tried: everything on one spec of each template, and of each format where single rows make that quick.
fn vary(spec: &Spec) -> Vary {
    if let Some(matmul) = spec.get::<Matmul>() {
        return match *matmul {
            Matmul { output: Output::Residual, bias: false, rows: Rows::One, n: 64, .. } => Vary::All,
            // The main loop is that of batches which read x as it is.
            Matmul { input: Input::Halved, output: Output::Residual, format, .. } if format == Q4F16 => Vary::One,
            Matmul { input: Input::Halved, .. } => Vary::No,
            Matmul { output: Output::Residual, rows: Rows::Few, format, .. } if format == Q4F16 => Vary::All,
            Matmul { output: Output::Residual, rows: Rows::Many, format, .. } if format == F16 => Vary::All,
            Matmul { output: Output::Residual, input: Input::Int8, format, .. } if format == Q4F16 => Vary::All,
            // Eight rows of x that end within a piece have more branches than SwiftShader's compiler can take: it needs gigabytes, and minutes.
            Matmul { output: Output::Store { .. }, rows: Rows::Few, .. } => Vary::No,
            Matmul { format, bias: true, k: 172.., .. } if format == Q4F16 || format == F32 => Vary::One,
            Matmul { format, bias: true, output: Output::Heads(Append { turn: Some(_), .. }), .. } if format == Q4F16 || format == F32 => {
                Vary::One
            }
            _ => Vary::No,
        };
    }
    if let Some(attention) = spec.get::<Attention>() {
        return match attention {
            Attention { softcap: Some(_), .. } => Vary::No,
            Attention { heads: Heads { dim: 8, cache: Dtype::F16, .. }, window: Some(_), .. } => Vary::All,
            Attention { heads: Heads { query: 4, dim: 64, .. }, .. } => Vary::All,
            Attention { heads: Heads { dim: 32, .. }, window: Some(_), .. } => Vary::One,
            Attention { heads: Heads { dim: 64 | 80 | 128, .. }, window: None, rows: Rows::Many, .. } => Vary::Matrix,
            _ => Vary::No,
        };
    }
    let fixed = spec.get::<Embed>().is_some() || spec.get::<Positions>().is_some() || spec.get::<Draw>().is_some();
    if fixed { Vary::No } else { Vary::All }
}

/// The steps that a spec is run on.
fn steps(spec: Spec) -> Vec<Case> {
    let vary = vary(&spec);
    let case = |rows, first, pages, splits| Case {
        step: Step { spec: spec.clone(), rows, first, segments: 1, pages, splits, cached: PAGES_PER_SEQUENCE },
        vary,
    };
    if let Some(matmul) = spec.get::<Matmul>() {
        return match matmul {
            // The only row there is, and the last of several, which a prompt ends with.
            Matmul { rows: Rows::One, output: Output::Store { .. } | Output::Gated(_), .. } => vec![case(1, 0, 1, 1), case(7, 6, 1, 1)],
            Matmul { rows: Rows::One, output: Output::Residual, .. } => vec![case(7, 6, 1, 1)],
            Matmul { rows: Rows::One, .. } => vec![case(1, 0, 1, 1)],
            // One more than any number that a kernel takes together, behind rows of a prompt.
            Matmul { rows: Rows::Few, .. } => vec![case(11, 2, 1, 1)],
            Matmul { rows: Rows::Many, .. } => vec![case(70, 0, 1, 1)],
        };
    }
    if let Some(attention) = spec.get::<Attention>() {
        if attention.split {
            let parts = |rows, pages| splits(attention.heads.kv).eval(&StepSize::singles(rows, pages));
            // The third has rows of a prompt before its own.
            return [(1, 0, 4), (3, 0, 12), (7, 4, 12)].map(|(rows, first, pages)| case(rows, first, pages, parts(rows, pages))).into();
        }
        // The end of a prompt, a chunk in the middle of it, and all of it; then prompts of several sequences.
        let alone = [BLOCKS, 77, 189].map(|rows| case(rows, 0, 12, 1));
        let together = [(BLOCKS, 3), (77, 3), (189, 4)].map(|(rows, segments)| {
            let Case { step, vary } = case(rows, 0, 12, 1);
            Case { step: Step { segments, ..step }, vary }
        });
        return alone.into_iter().chain(together).collect();
    }
    if spec.get::<Merge>().is_some() {
        return [(1, 0, 1), (1, 0, 3), (3, 0, 16), (2, 0, 64), (6, 4, 5)].map(|(rows, first, splits)| case(rows, first, 1, splits)).into();
    }
    match spec.rows() {
        // A single row finds its logits at the start, and one of each sequence shows each way to draw.
        Rows::One if spec.get::<Draw>().is_some() => vec![case(7, 6, 1, 1), case(1, 0, 1, 1)],
        Rows::One if matches!(spec.get(), Some(ArgMax::Parts { .. })) => vec![case(1, 0, 1, 1)],
        Rows::One => vec![case(7, 6, 1, 1)],
        Rows::Few if spec.get::<Draw>().is_some() => vec![case(4, 0, 1, 1)],
        // Each row of so small a step is of a sequence of its own. Two of one would both say what its next id is.
        Rows::Few if spec.get::<ArgMax>().is_some() => vec![case(3, 0, 1, 1), case(4, 2, 1, 1)],
        Rows::Few => vec![case(3, 0, 1, 1), case(7, 5, 1, 1)],
        Rows::Many => vec![case(5, 0, 1, 1)],
    }
}
