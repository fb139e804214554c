//! The id of the greatest logit of each row, the smallest id where several are equal.

use super::draw::{Draw, DrawStage, logit_of, order_of, scratch_words};
use super::fusion::Fusion;
use super::stage::{At, Bytes, Form, Launch as LaunchWords, Made, Stage, Target, Work};
use super::step::{Inputs, SEQUENCES, Step};
use super::{Holds, Op, Rows};
use crate::Error;
use crate::entry::Span;
use crate::graph::{Graph, OpKind, Value};
use crate::operand::{Launch, Operands};
use crate::schedule::{Build, Schedule};
use tegula_plan::{Buffer, Requires, Size, When};

/// Two kernels: `Parts` binds `logits` and `partial` (written: [`ARGMAX_PARTS`] pairs of maximum and id, eight bytes each, a row; the
/// maximum as an integer in the order of the numbers, so that NaN is found on every device). `Whole` binds `rows`, `partial`, `sampled`.
/// Works on rows `launch.first` on, one or all; logits and parts are indexed from that row on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgMax {
    /// Finds the maximum of each part of a row.
    Parts {
        /// Logits of a row.
        vocab: u32,
        /// Rows it is made for: one, or all from `launch.first` on.
        rows: Rows,
    },
    /// Finds the greatest of the parts.
    Whole {
        /// Rows it is made for.
        rows: Rows,
    },
}

/// Parts that [`ArgMax`] cuts a row of logits into.
pub const ARGMAX_PARTS: u32 = 64;

impl Op for ArgMax {
    fn key(&self) -> String {
        match self {
            ArgMax::Parts { vocab, rows } => format!("argmax_parts vocab={vocab} {}", rows.name()),
            ArgMax::Whole { rows } => format!("argmax_whole {}", rows.name()),
        }
    }

    fn label(&self) -> String {
        match self {
            ArgMax::Parts { vocab, .. } => format!("argmax of parts of {vocab}"),
            ArgMax::Whole { .. } => "argmax of parts".into(),
        }
    }

    fn rows(&self) -> Rows {
        let (ArgMax::Parts { rows, .. } | ArgMax::Whole { rows }) = self;
        *rows
    }

    fn is_single(&self) -> bool {
        self.rows() == Rows::One
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of(match self {
            ArgMax::Parts { .. } => "sample/argmax_parts",
            ArgMax::Whole { .. } => "sample/argmax_whole",
        })
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        build.int("PARTS", ARGMAX_PARTS);
        match self {
            ArgMax::Parts { vocab, rows } => {
                build.int("VOCAB", *vocab);
                [Size::Const(ARGMAX_PARTS), rows.size(), Size::Const(1)]
            }
            ArgMax::Whole { rows } => [Size::Const(1), rows.size(), Size::Const(1)],
        }
    }

    fn operands(&self, _step: &Step, inputs: &mut Inputs) {
        let (rows, parts) = (inputs.rows, ARGMAX_PARTS as usize);
        let mut partial = inputs.random.floats(2 * rows * parts, -1.0, 1.0);
        let found = |(i, pair): (usize, &mut [u32])| (pair[0], pair[1]) = (order_of(pair[0]), (i % parts) as u32 * 6);
        partial.chunks_mut(2).enumerate().for_each(found);
        inputs.put("partial", partial);
        inputs.put("sampled", vec![u32::MAX; SEQUENCES as usize]);
        if let ArgMax::Parts { vocab, .. } = self {
            // Coarse values, so that several are equal.
            let logits = inputs.random.floats(rows * *vocab as usize, -8.0, 8.0);
            inputs.put("logits", logits.iter().map(|bits| f32::from_bits(*bits).round().to_bits()).collect());
        }
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        let parts = ARGMAX_PARTS as usize;
        let first_of_greatest =
            |best: (u32, u32), next: (u32, u32)| if next.0 > best.0 || next.0 == best.0 && next.1 < best.1 { next } else { best };
        match self {
            ArgMax::Parts { vocab, rows: which } => {
                let (vocab, share) = (*vocab as usize, (*vocab as usize).div_ceil(parts));
                let (mut partial, logits) = (operands.take("partial"), operands.read("logits"));
                for (row, part) in (0..which.of(launch).len()).flat_map(|row| (0..parts).map(move |part| (row, part))) {
                    let ids = (part * share).min(vocab)..((part + 1) * share).min(vocab);
                    let candidates = ids.map(|id| (order_of(logits.word(row * vocab + id)), id as u32));
                    let best = candidates.fold((0, vocab as u32), first_of_greatest);
                    partial[2 * (row * parts + part)] = best.0;
                    partial[2 * (row * parts + part) + 1] = best.1;
                }
                operands.give("partial", partial);
            }
            ArgMax::Whole { rows: which } => {
                let (mut sampled, partial) = (operands.take("sampled"), operands.read("partial"));
                for (row, at) in which.of(launch).enumerate() {
                    let candidate = |part: usize| (partial.word(2 * (row * parts + part)), partial.word(2 * (row * parts + part) + 1));
                    let best = (0..parts).map(candidate).fold((0, u32::MAX), first_of_greatest);
                    let is_sound = logit_of(best.0).is_finite() && best.0 > order_of(f32::NEG_INFINITY.to_bits());
                    sampled[operands.read("rows").word(4 * at + 3) as usize] = if is_sound { best.1 } else { u32::MAX };
                }
                operands.give("sampled", sampled);
            }
        }
    }

    fn holds(&self, _name: &str) -> Holds {
        Holds::Exact
    }

    fn bytes(&self, step: &Step) -> u64 {
        let parts = 8 * u64::from(ARGMAX_PARTS);
        step.worked_rows()
            * match self {
                ArgMax::Parts { vocab, .. } => 4 * u64::from(*vocab) + parts,
                ArgMax::Whole { .. } => parts,
            }
    }

    fn when(&self) -> When {
        When::Greedy
    }
}

/// How an id of each row is picked: the greatest logit's, or one that is drawn.
#[derive(Debug)]
struct Pick {
    logits: Value,
    /// Stands for the scratch between kernels.
    scratch: Value,
}

/// Ends a graph.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let &OpKind::ArgMax { input } = &fusion.op(value).kind else { return Ok(None) };
    Ok(Some(Box::new(Pick { logits: fusion.home(input), scratch: value })))
}

/// Scratch: drawing uses that of the greatest logit before.
fn bytes(vocab: u32) -> Bytes {
    Bytes::of_rows(4 * scratch_words(vocab).max(2 * u64::from(ARGMAX_PARTS)))
}

impl Stage for Pick {
    fn text(&self, _graph: &Graph) -> String {
        format!("sampled = argmax {}", self.logits)
    }

    fn makes(&self, graph: &Graph) -> Vec<Made> {
        vec![Made { value: self.scratch, bytes: bytes(graph.vocab_size) }]
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        if !at.mode.sample {
            return Ok(Vec::new());
        }
        // Of one row or of a few: there is nothing else that ids are picked for.
        let rows = if at.span.rows == Rows::Many { Rows::Few } else { at.span.rows };
        let (vocab, span) = (at.model.vocab_size, || Span { rows, ..at.span.clone() });
        let scratch = || Target::activation(self.scratch, Form::Picked, bytes(vocab));
        let launch = || LaunchWords { first: at.span.first.clone(), ..LaunchWords::default() };
        let mut works = vec![
            Work {
                label: format!("{label}.parts"),
                spec: ArgMax::Parts { vocab, rows }.into(),
                operands: vec![("logits", at.logits()), ("partial", scratch())],
                launch: launch(),
                span: span(),
            },
            Work {
                label: format!("{label}.whole"),
                spec: ArgMax::Whole { rows }.into(),
                operands: vec![
                    ("rows", Target::Whole(Buffer::Rows(0))),
                    ("partial", scratch()),
                    ("sampled", Target::Whole(Buffer::Sampled)),
                ],
                launch: launch(),
                span: span(),
            },
        ];
        works.extend(DrawStage::ALL.map(|stage| Work {
            label: format!("draw{}.{}", at.span.suffix, stage.name()),
            spec: Draw { stage, vocab, rows }.into(),
            operands: vec![
                ("rows", Target::Whole(Buffer::Rows(0))),
                ("sampling", Target::Whole(Buffer::Sampling)),
                ("scratch", scratch()),
                ("logits", at.logits()),
                ("tokens", Target::Whole(Buffer::Tokens)),
                ("sampled", Target::Whole(Buffer::Sampled)),
            ],
            launch: launch(),
            span: span(),
        }));
        Ok(works)
    }
}
