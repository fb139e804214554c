//! Attention of each row's queries over the cache pages of its sequence, up to its own position.

pub mod merge;
mod reference;
mod schedule;
mod stage;

use super::heads::Heads;
use super::step::{Inputs, PREFILL_ROWS, SEQUENCES, Step};
use super::{Op, Rows};
use crate::graph::option;
use crate::operand::{Launch, Operands};
use crate::schedule::{Build, Schedule};
pub(crate) use stage::rule;
use tegula_plan::{Dtype, PAGE_SIZE, Requires, Size, StepSize};

/// `output: f32[rows][heads * head_dim]`. With `split` that is left to [`merge::Merge`]: part `s` of `launch.splits` covers pages
/// `s * ceil(pages / splits)` on, and behind it `output` has `[row][head][s]` of `head_dim + 4` floats: the unnormalised sum, the maximum,
/// the denominator, two unused.
///
/// Bindings: `query`, `cache`, `rows`, `pages`, `output`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Shape.
    pub heads: Heads,
    /// Factor on the scores, usually `1 / sqrt(head_dim)`.
    pub scale: f32,
    /// Scores become `cap * tanh(score / cap)`.
    pub softcap: Option<f32>,
    /// Keys further back than this many positions are not seen.
    pub window: Option<u32>,
    /// Entries in a row of the page table.
    pub pages_per_sequence: u32,
    /// Whether a sequence is cut into `launch.splits` parts.
    pub split: bool,
    /// Rows it is made for.
    pub rows: Rows,
}

/// The most parts that attention cuts a sequence into.
pub const MAX_SPLITS: u32 = 64;

/// How many parts attention with so many key heads cuts the sequences of a step into: the launch word `splits` of split attention and of what
/// merges it.
///
/// Four pages (64 keys, a tile of the kernel) a part, up to sixteen parts: fewer leave a GPU idle. Then parts become longer, up to eight
/// pages, before there are more of them, which each cost a trip through memory; 256 workgroups a row (a part of a key head each) fill any GPU.
/// One part more keeps the others whole where a context that is a power of two has an answer behind it: parts that are no multiple of four
/// pages waste a tile.
#[must_use]
pub fn splits(kv: u32) -> Size {
    let short = Size::Pages.ceil_div(4).min(16);
    let long = Size::Pages.ceil_div(8).min((256 / kv.max(1) + 1).clamp(16, MAX_SPLITS));
    Size::Max(Box::new(short), Box::new(long)).max(1)
}

/// Query heads that a workgroup takes together: all that share a key head, or the largest divisor of their number up to eight. Of very long
/// heads it has registers for half as many.
pub(super) fn head_group(heads: &Heads) -> u32 {
    let sharing = heads.query / heads.kv;
    (1..=sharing.min(if heads.dim > 256 { 4 } else { 8 })).rev().find(|group| sharing.is_multiple_of(*group)).unwrap_or(1)
}

impl Op for Attention {
    fn key(&self) -> String {
        let softcap = if self.softcap.is_some() { " softcap" } else { "" };
        let split = if self.split { " split" } else { "" };
        format!(
            "attention {}{}{softcap}{split} {}",
            self.heads.key(),
            self.window.map(|window| format!(" window={window}")).unwrap_or_default(),
            self.rows.name()
        )
    }

    fn label(&self) -> String {
        let (heads, split) = (&self.heads, if self.split { " split" } else { "" });
        format!("attention {}/{}x{}{}{split}", heads.query, heads.kv, heads.dim, option(" window", self.window))
    }

    fn rows(&self) -> Rows {
        self.rows
    }

    fn default_schedule(&self, requires: &Requires) -> Schedule {
        schedule::default(self, requires)
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        let group = head_group(&self.heads);
        self.heads.build(build);
        build.int("GROUP", group);
        build.int("WINDOW", self.window.unwrap_or(u32::MAX));
        build.int("PAGES_PER_SEQUENCE", self.pages_per_sequence);
        build.float("SCALE", self.scale);
        if let Some(cap) = self.softcap {
            build.slot("attention/score", "attention/score_softcap");
            build.float("CAP", cap);
        }
        if self.heads.cache == Dtype::F32 {
            if build.imports("cache/wide_f16") {
                build.slot("cache/wide_f16", "cache/wide_f32");
            } else {
                build.slot("cache/read_f16", "cache/read_f32");
            }
        }
        if self.split {
            build.slot("attention/write_whole", "attention/write_split");
        }
        [Size::Const(self.heads.query / group), Size::Rows, if self.split { splits(self.heads.kv) } else { Size::Const(1) }]
    }

    fn operands(&self, step: &Step, inputs: &mut Inputs) {
        let (query, dim, rows) = (self.heads.query as usize, self.heads.dim as usize, inputs.rows);
        inputs.floats("query", rows * query * dim, -1.0, 1.0);
        let cache = self.heads.cache(step, &mut inputs.random);
        inputs.put("cache", cache);
        inputs.put("pages", step.page_table(self.pages_per_sequence));
        let parts = if self.split { step.splits as usize * (dim + 4) } else { 0 };
        inputs.floats("output", rows * query * (dim + parts), -1.0, 1.0);
        debug_assert!(step.splits <= MAX_SPLITS);
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        reference::run(self, launch, operands);
    }

    fn bytes(&self, step: &Step) -> u64 {
        let (rows, heads, dim) = (step.worked_rows(), u64::from(self.heads.query), u64::from(self.heads.dim));
        let sequences = if self.rows == Rows::Many { 1 } else { rows };
        let keys = u64::from(step.cached * PAGE_SIZE).min(self.window.map_or(u64::MAX, u64::from).saturating_add(rows));
        let key = 2 * u64::from(self.heads.kv) * dim * self.heads.cache.bytes();
        let output = if self.split { u64::from(step.splits) * (dim + 4) } else { dim };
        sequences * keys * key + rows * heads * 4 * (dim + output)
    }

    fn operations(&self, step: &Step) -> u64 {
        if self.rows != Rows::Many {
            return 0;
        }
        let seen = |row| u64::from(step.position(row) + 1).min(self.window.map_or(u64::MAX, u64::from));
        4 * u64::from(self.heads.query) * u64::from(self.heads.dim) * (0..step.rows).map(seen).sum::<u64>()
    }

    fn is_heavy(&self) -> bool {
        self.rows != Rows::Few
    }

    fn reads_cache(&self) -> bool {
        true
    }

    fn most_pages(&self) -> u32 {
        self.pages_per_sequence
    }

    fn takes_segments(&self) -> bool {
        self.rows == Rows::Many
    }

    fn splits(&self, step: &StepSize) -> u32 {
        if self.split { splits(self.heads.kv).eval(step) } else { 1 }
    }

    fn checked_rows(&self) -> u32 {
        match self.rows {
            Rows::One => 1,
            Rows::Few => 3,
            Rows::Many => 19,
        }
    }

    fn timed_rows(&self) -> Vec<u32> {
        vec![match self.rows {
            Rows::One => 1,
            Rows::Few => SEQUENCES,
            Rows::Many => PREFILL_ROWS,
        }]
    }
}
