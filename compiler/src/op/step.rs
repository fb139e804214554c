//! A step to run a spec on. Tests and the schedule search make operands for it.

use super::Spec;
use crate::operand::Random;
use crate::operand::{Launch, Operands};
use tegula_plan::{PAGE_SIZE, Size, StepSize};

/// Sequences that a step's rows and cache are made for.
pub const SEQUENCES: u32 = 4;

/// Rows of a prefill step to be timed.
pub const PREFILL_ROWS: u32 = 512;

/// The first row of a table that is bound: anywhere but at zero, so that kernels must heed it.
pub(crate) const FIRST_TOKEN: u32 = 30;

/// A step to run a spec on.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What is computed.
    pub spec: Spec,
    /// Rows of the step. Up to [`SEQUENCES`] are one of each sequence; more are neighbours in one, or in each of several [`Step::segments`].
    pub rows: u32,
    /// First row that a kernel for one or a few rows works on.
    pub first: u32,
    /// Into how many segments more than [`SEQUENCES`] rows are cut, each of a sequence of its own: one at least, [`SEQUENCES`] at most.
    pub segments: u32,
    /// Pages of the longest sequence, for the grid.
    pub pages: u32,
    /// Parts of split attention, at most [`super::attention::MAX_SPLITS`].
    pub splits: u32,
    /// Pages of the cache that each sequence fills: at most the spec's entries in a row of the page table, and at least as many as `rows`
    /// tokens need where rows are neighbours.
    pub cached: u32,
}

/// Launch words and operands in the making.
#[derive(Debug)]
pub struct Inputs {
    /// Where numbers come from.
    pub random: Random,
    /// Rows of the step.
    pub rows: usize,
    launch: Vec<(&'static str, u32)>,
    /// What there is so far.
    pub operands: Operands,
}

impl Inputs {
    /// Sets a launch word.
    pub fn set(&mut self, member: &'static str, value: u32) {
        self.launch.push((member, value));
    }

    /// Adds an operand.
    pub fn put(&mut self, name: &'static str, words: Vec<u32>) {
        self.operands.buffers.insert(name, words);
    }

    /// Adds an operand of random floats.
    pub fn floats(&mut self, name: &'static str, count: usize, low: f32, high: f32) {
        let words = self.random.floats(count, low, high);
        self.put(name, words);
    }

    /// The launch block so far.
    #[must_use]
    pub fn launch(&self) -> Launch {
        Launch::of(&self.launch)
    }
}

impl Step {
    /// The launch block and operands: the same for the same step and seed.
    #[must_use]
    pub fn operands(&self, seed: u64) -> (Launch, Operands) {
        let mut random = Random::new((seed << 32) + 0x7e61_a000 + u64::from(self.rows));
        let rows = self.row_words(&mut random);
        let launch = vec![("rows", self.rows), ("first", self.first), ("splits", self.splits)];
        let mut inputs = Inputs { random, rows: self.rows as usize, launch, operands: Operands::default() };
        inputs.put("rows", rows);
        inputs.put("segments", self.segment_words());
        self.spec.operands(self, &mut inputs);
        (inputs.launch(), inputs.operands)
    }

    /// Bytes that it reads or writes at least once.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.spec.bytes(self)
    }

    /// Multiplications and additions, where they are what a kernel may be bound by.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.spec.operations(self)
    }

    /// Rows that are worked on.
    pub(crate) fn worked_rows(&self) -> u64 {
        if self.spec.is_single() { 1 } else { u64::from(self.rows) }
    }

    /// Workgroups of a kernel whose grid is `grid`.
    #[must_use]
    pub fn grid(&self, grid: &[Size; 3]) -> [u32; 3] {
        let step = |rows| StepSize::singles(rows, self.pages);
        if !self.spec.takes_segments() {
            return grid.each_ref().map(|size| size.eval(&step(self.rows - self.first)));
        }
        let starts = self.segment_words();
        let longest = starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        let [x, y, _] = grid.each_ref().map(|size| size.eval(&step(longest)));
        [x, y, starts.len() as u32 - 1]
    }

    /// Whether each row is of a sequence of its own.
    fn is_batch(&self) -> bool {
        self.rows <= SEQUENCES
    }

    /// The row behind the last of each segment. They are of different lengths.
    fn ends(&self) -> Vec<u32> {
        let count = self.segments;
        if self.is_batch() { (1..=self.rows).collect() } else { (1..=count).map(|i| self.rows * i * i / (count * count)).collect() }
    }

    /// Where segments begin, and where the last ends.
    fn segment_words(&self) -> Vec<u32> {
        [vec![0], self.ends()].concat()
    }

    /// The sequence of a row, and its position there.
    fn place(&self, row: u32) -> (u32, u32) {
        let tokens = self.cached * PAGE_SIZE;
        if self.is_batch() {
            return (row, tokens - 1 - row * (tokens / (SEQUENCES + 1)));
        }
        let ends = self.ends();
        let segment = ends.iter().position(|end| row < *end).unwrap_or(0);
        let first = if segment == 0 { 0 } else { ends[segment - 1] };
        let start = tokens.saturating_sub(ends[segment] - first).saturating_sub(3) / (segment as u32 + 1);
        (if self.segments == 1 { 1 } else { segment as u32 }, start + row - first)
    }

    /// The position of a row in its sequence.
    pub(crate) fn position(&self, row: u32) -> u32 {
        self.place(row).1
    }

    /// Rows of a step: neighbouring positions of the sequence of each segment, or for small steps one row of each sequence.
    fn row_words(&self, random: &mut Random) -> Vec<u32> {
        let tokens = self.cached * PAGE_SIZE;
        let table = self.spec.tokens();
        let row = |row: u32| {
            // Some tokens lie outside the table, some are what was sampled last.
            let token = if row % 3 == 2 { u32::MAX } else { FIRST_TOKEN + (random.next() % (u64::from(table) + 10)) as u32 };
            let (sequence, position) = self.place(row);
            [token, position, sequence * tokens + position, sequence]
        };
        (0..self.rows).flat_map(row).collect()
    }

    /// A page table that visits the cache's pages out of order.
    pub(crate) fn page_table(&self, pages_per_sequence: u32) -> Vec<u32> {
        let mut table = vec![0; (SEQUENCES * pages_per_sequence) as usize];
        for page in 0..self.cached.min(pages_per_sequence) {
            for sequence in 0..SEQUENCES {
                let number = u64::from(sequence * self.cached + page) * 7 + 3;
                table[(sequence * pages_per_sequence + page) as usize] = (number % u64::from(SEQUENCES * self.cached)) as u32;
            }
        }
        table
    }
}
