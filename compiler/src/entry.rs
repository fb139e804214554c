//! Entries: the part of lowering that depends on how many rows a step has.
//!
//! `decode` has one row. `batch` has one row of each of a few sequences. `prefill` has up to a chunk of rows: segments of prompts, then one
//! row of each sequence that decodes beside them. `score` has one segment and gives logits of every row.

use crate::operand::Launch;
use tegula_plan::{Activations, Model, Size, StepSize};

/// Bytes of logits that `score` makes at a time at most: enough to keep a GPU busy, and little beside the weights.
const SCORE_LOGITS: u64 = 32 << 20;

/// How many rows (tokens) a kernel is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Exactly one: decoding.
    One,
    /// A handful, up to the batch size.
    Few,
    /// A prefill chunk.
    Many,
}

impl Rows {
    /// Its word in keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Rows::One => "one",
            Rows::Few => "few",
            Rows::Many => "many",
        }
    }

    /// The rows that a dispatch works on: one, or all from `launch.first` on.
    pub(crate) fn of(self, launch: &Launch) -> std::ops::Range<usize> {
        let first = launch.get("first");
        first..if self == Rows::One { first + 1 } else { launch.rows() }
    }

    /// The rows of a grid: one, or all of the step.
    #[must_use]
    pub fn size(self) -> Size {
        if self == Rows::One { Size::Const(1) } else { Size::Rows }
    }
}

/// How an entry is lowered.
pub(crate) struct Mode {
    pub name: &'static str,
    pub max_rows: u32,
    /// What kernels are made for, up to the last attention.
    pub rows: Rows,
    pub attention: Attends,
    /// Which rows get logits. They alone go on behind the last attention, which was what needed the others.
    pub read: Reads,
    /// Whether logits are sampled from.
    pub sample: bool,
    /// The most single rows: those that attention cuts into parts.
    pub singles: u32,
}

/// How an entry's attention takes rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attends {
    /// Each by itself. Sequences are cut into parts, since there are too few rows to fill a GPU.
    Singles,
    /// In tiles of segments.
    Segments,
    /// Segments in tiles, and the rows behind them each by itself.
    Both,
}

/// Which rows of an entry get logits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// The last.
    Last,
    /// All.
    All,
    /// The last few ([`Size::Read`]); often it is one, which has kernels of its own.
    Some,
}

/// Rows that a dispatch works on.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// What its kernel is made for.
    pub rows: Rows,
    /// The first.
    pub first: Size,
    /// How many: what the kernel's grid has in place of [`Size::Rows`].
    pub count: Size,
    /// Factor on the grid: zero in steps that are not for it.
    pub runs: Size,
    /// For people: what sets its label apart.
    pub suffix: &'static str,
}

impl Span {
    fn new(rows: Rows, first: Size, count: Size) -> Span {
        Span { rows, first, count, runs: Size::Const(1), suffix: "" }
    }
}

impl Mode {
    /// All rows.
    pub fn all(&self) -> Span {
        Span::new(self.rows, Size::Const(0), Size::Rows)
    }

    /// The rows behind the last attention: a list of which a step runs one.
    pub fn tails(&self) -> Vec<Span> {
        let last = Span::new(Rows::One, Size::Rows.minus(1), Size::Const(1));
        match self.read {
            Reads::Last => vec![last],
            Reads::All => vec![self.all()],
            Reads::Some => {
                // A step reads one row at least.
                let alone = Span { runs: minus(Size::Const(2), Size::Read), ..last };
                let several = Size::Mul(Box::new(Size::Read), Box::new(Size::Read.minus(1).min(1)));
                let some = Span { suffix: ".several", ..Span::new(Rows::Few, minus(Size::Rows, Size::Read), several) };
                vec![alone, some]
            }
        }
    }

    /// The rows whose ids are picked.
    pub fn picks(&self) -> Span {
        match self.read {
            Reads::Last => Span::new(Rows::One, Size::Rows.minus(1), Size::Const(1)),
            Reads::All => Span::new(Rows::Few, Size::Const(0), Size::Rows),
            Reads::Some => Span::new(Rows::Few, minus(Size::Rows, Size::Read), Size::Read),
        }
    }

    /// The rows that attention takes one by one.
    pub fn singles(&self) -> Span {
        let rows = if self.rows == Rows::One { Rows::One } else { Rows::Few };
        match self.attention {
            Attends::Both => Span { suffix: ".single", ..Span::new(rows, Size::Prompt, minus(Size::Rows, Size::Prompt)) },
            Attends::Singles | Attends::Segments => Span::new(rows, Size::Const(0), Size::Rows),
        }
    }

    /// The rows that attention takes in tiles, for each segment as many as the longest has.
    pub fn segments(&self) -> Span {
        Span::new(Rows::Many, Size::Const(0), Size::Longest)
    }

    /// The most rows that get logits.
    pub fn most_read(&self) -> u32 {
        match self.read {
            Reads::Last => 1,
            Reads::All => self.max_rows,
            Reads::Some => self.singles,
        }
    }

    /// The largest of each number that a step of it brings.
    pub fn largest(&self, model: &Model) -> StepSize {
        let rows = self.max_rows;
        let (pages, segments) = (model.pages_per_sequence(), model.max_batch_size);
        StepSize { rows, pages, prompt: rows, segments, longest: rows, read: self.most_read() }
    }
}

fn minus(a: Size, b: Size) -> Size {
    Size::Sub(Box::new(a), Box::new(b))
}

/// The entries of a model. Rows of prompts and single rows share steps only where both are computed alike: see
/// [`Activations::Int8`](tegula_plan::Activations::Int8).
pub(crate) fn modes(model: &Model, activations: Activations) -> Vec<Mode> {
    let (chunk, batch) = (model.prefill_chunk_size, model.max_batch_size);
    let score = (SCORE_LOGITS / (4 * u64::from(model.vocab_size))).clamp(1, chunk.into()) as u32;
    let company = batch > 1 && chunk > 1 && activations == Activations::Float;
    let (attention, read) = if company { (Attends::Both, Reads::Some) } else { (Attends::Segments, Reads::Last) };
    let mode = |name, max_rows, rows| Mode { name, max_rows, rows, attention, read, sample: true, singles: max_rows };
    let mut modes = vec![
        Mode { singles: batch.min(chunk), ..mode("prefill", chunk, Rows::Many) },
        Mode { attention: Attends::Singles, read: Reads::Last, ..mode("decode", 1, Rows::One) },
    ];
    if batch > 1 {
        modes.push(Mode { attention: Attends::Singles, read: Reads::All, ..mode("batch", batch, Rows::Few) });
    }
    modes.push(Mode { attention: Attends::Segments, read: Reads::All, sample: false, ..mode("score", score, Rows::Many) });
    modes
}
