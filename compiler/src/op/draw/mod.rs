//! Drawing ids from logits, in four kernels: what each does, where its intermediate results lie, and its reference.
//!
//! The order of likelihood is that of *depths*: how far a logit is below the greatest, over the temperature, in steps of 2^-24. The weight
//! of an id is `exp(-depth)`.
//!
//! If only the likeliest ids can be drawn, weights are summed and ids counted in bins of an eighth. The bins show where each filter ends:
//! top-k counts, top-p sums what top-k left, and min-p is a depth that is known before. So only the ids of about two bins have to be put in
//! order.

mod depth;
mod reference;
mod scratch;

use super::step::{Inputs, SEQUENCES, Step};
use super::{Op, Rows, compare};
use crate::operand::{Launch, Operands};
use crate::schedule::{Build, Schedule};
pub(crate) use reference::{logit_of, order_of};
pub use scratch::{DRAW_BINS, draw_parts, scratch_words};
use tegula_plan::{DEEPEST, DEPTH_ONE, Requires, SAMPLING_MEMBERS, Size, When};

/// An id of each row, drawn as its sequence's element of `sampling` says ([`tegula_plan::SAMPLING_MEMBERS`]), in four kernels. Rows of
/// sequences that are not to be drawn for are left alone. Works on rows `launch.first` on, one or all; `logits` and `scratch` are indexed
/// from that row on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Which kernel.
    pub stage: DrawStage,
    /// Logits of a row.
    pub vocab: u32,
    /// Rows it is made for: one, or all from `launch.first` on.
    pub rows: Rows,
}

/// The kernels of [`Draw`], in order. All bind `rows`, `sampling`, `scratch` and `logits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawStage {
    /// Penalises and biases logits in place by `tokens`, and finds the greatest of each part.
    Adjust,
    /// Sums the weights of each part, by depth where only the likeliest ids can be drawn.
    Weigh,
    /// Gathers the ids among which the nucleus ends and the draw falls.
    Gather,
    /// Draws, writes `sampled` and counts the id in `tokens`.
    Pick,
}

impl DrawStage {
    /// All, in order.
    pub const ALL: [DrawStage; 4] = [DrawStage::Adjust, DrawStage::Weigh, DrawStage::Gather, DrawStage::Pick];

    /// For people, and in keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DrawStage::Adjust => "adjust",
            DrawStage::Weigh => "weigh",
            DrawStage::Gather => "gather",
            DrawStage::Pick => "pick",
        }
    }
}

impl Op for Draw {
    fn key(&self) -> String {
        format!("draw_{} vocab={} {}", self.stage.name(), self.vocab, self.rows.name())
    }

    fn label(&self) -> String {
        format!("draw from {}: {}", self.vocab, self.stage.name())
    }

    fn rows(&self) -> Rows {
        self.rows
    }

    fn is_single(&self) -> bool {
        self.rows == Rows::One
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of(match self.stage {
            DrawStage::Adjust => "sample/draw_adjust",
            DrawStage::Weigh => "sample/draw_weigh",
            DrawStage::Gather => "sample/draw_gather",
            DrawStage::Pick => "sample/draw_pick",
        })
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        build.int("VOCAB", self.vocab);
        build.int("PARTS", draw_parts(self.vocab));
        build.int("LANES", DRAW_BINS);
        let parts = if self.stage == DrawStage::Pick { 1 } else { draw_parts(self.vocab) };
        if self.stage == DrawStage::Pick {
            build.int("ID_BITS", (u32::BITS - self.vocab.leading_zeros()).next_multiple_of(8));
        }
        [Size::Const(parts), self.rows.size(), Size::Const(1)]
    }

    fn operands(&self, _step: &Step, inputs: &mut Inputs) {
        sequences(self, inputs);
        // A kernel finds what those before it have left.
        for stage in DrawStage::ALL.into_iter().take_while(|stage| *stage != self.stage) {
            let launch = inputs.launch();
            reference::run(&Draw { stage, ..*self }, &launch, &mut inputs.operands);
        }
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        reference::run(self, launch, operands);
    }

    fn compare(&self, half: bool, name: &str, found: &[u32], expected: &[u32]) -> Result<(), String> {
        if name == "scratch" {
            return scratch::compare(self, found, expected);
        }
        compare::floats(self.holds(name), half, name, found, expected)
    }

    fn bytes(&self, step: &Step) -> u64 {
        let parts = u64::from(draw_parts(self.vocab));
        let (logits, histograms) = (4 * u64::from(self.vocab), 4 * u64::from(DRAW_BINS) * parts);
        step.worked_rows()
            * match self.stage {
                DrawStage::Adjust => logits + 8 * parts,
                DrawStage::Weigh | DrawStage::Gather => logits + histograms,
                DrawStage::Pick => histograms,
            }
    }

    fn when(&self) -> When {
        if self.stage == DrawStage::Gather { When::Nucleus } else { When::Drawn }
    }
}

/// Logits, and sequences that are drawn for in each way. All numbers are multiples of powers of two, so that depths are exact.
fn sequences(spec: &Draw, inputs: &mut Inputs) {
    let coarse = |inputs: &mut Inputs, count, most: f32, step: f32| -> Vec<u32> {
        let floats = inputs.random.floats(count, -most, most);
        floats.iter().map(|bits| ((f32::from_bits(*bits) / step).round() * step).to_bits()).collect()
    };
    let (vocab, sequences, rows) = (spec.vocab as usize, SEQUENCES as usize, inputs.rows);
    let logits = coarse(inputs, rows * vocab, 8.0, 0.03125);
    inputs.put("logits", logits);
    let biases = coarse(inputs, sequences * vocab, 2.0, 0.25);
    inputs.put("tokens", biases.iter().enumerate().flat_map(|(i, bias)| [if i % 5 == 0 { i as u32 % 3 } else { 0 }, *bias]).collect());
    inputs.put("scratch", vec![7; rows * scratch_words(spec.vocab) as usize]);
    inputs.put("sampled", vec![u32::MAX; sequences]);
    // Single rows are drawn with neither top-k nor min-p.
    let limited = spec.rows != Rows::One;
    let how = |drawn: u32, adjusts: u32, temperature: f32, top_p: f32, top_k: u32, deepest: f32| {
        let [temperature, top_p] = [temperature, top_p].map(f32::to_bits);
        let [presence, frequency, repetition] = [0.5f32, 0.25, 2.0].map(f32::to_bits);
        let deepest = if limited { (deepest * DEPTH_ONE) as u32 } else { DEEPEST };
        let all = [
            drawn,
            adjusts,
            spec.vocab - 3,
            temperature,
            top_p,
            if limited { top_k } else { 0 },
            deepest,
            presence,
            frequency,
            repetition,
            11,
            13,
        ];
        debug_assert_eq!(all.len(), SAMPLING_MEMBERS.len());
        all
    };
    let ways = [how(1, 1, 0.5, 0.8, 40, 3.0), how(1, 0, 2.0, 1.0, 0, 2.0), how(0, 1, 1.0, 0.5, 7, 1.0), how(1, 1, 0.0, 1.0, 5, 1.0)];
    inputs.put("sampling", ways.concat());
}
