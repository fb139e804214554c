//! Seeded random operands for a spec, in the layouts that kernels bind: what tests and the schedule search run kernels on.

use super::draw::{order_of, scratch_words};
use super::reference::{self, Launch, Operands};
use super::{
    ARGMAX_PARTS, ArgMax, Attention, Draw, DrawStage, Format, Heads, Input, MAX_SPLITS, Output, Rows, Spec, byte_row_words, bytes,
};
use crate::parallel::parts;
use half::f16;
use tegula_plan::{DEEPEST, DEPTH_ONE, Dtype, PAGE_SIZE, SAMPLING_MEMBERS, Size, StepSize};

/// Sequences that a step's rows and cache are made for.
pub const SEQUENCES: u32 = 4;

/// Where table rows begin, and where gains do: anywhere but at zero, so that kernels must heed them.
const FIRST_TOKEN: u32 = 30;

/// A step to run a spec on.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// Parts of split attention, at most [`MAX_SPLITS`].
    pub splits: u32,
    /// Pages of the cache that each sequence fills: at most the spec's entries in a row of the page table, and at least as many as `rows`
    /// tokens need where rows are neighbours.
    pub cached: u32,
}

impl Step {
    /// The launch block and operands: the same for the same step and seed.
    #[must_use]
    pub fn operands(&self, seed: u64) -> (Launch, Operands) {
        let mut random = Random((seed << 32) + 0x7e61_a000 + u64::from(self.rows));
        let (rows, splits) = (self.rows as usize, self.splits as usize);
        let mut launch = vec![("rows", self.rows), ("first", self.first), ("splits", self.splits)];
        let mut operands = Operands::default();
        let mut put = |name, words| {
            operands.buffers.insert(name, words);
        };
        put("rows", self.row_words(&mut random));
        put("segments", self.segment_words());
        match &self.spec {
            Spec::Embed(spec) => {
                let base = FIRST_TOKEN;
                launch.extend([("base", base), ("gain", 8)]);
                weights(&mut put, &mut random, spec.format, spec.n as usize, spec.k as usize);
                put("sampled", (0..SEQUENCES).map(|i| base + 7 * i).collect());
                put("vectors", random.floats(8 + (spec.head_dim as usize / 2).next_multiple_of(4), 0.0, 1.0));
                put("output", random.floats(rows * spec.k as usize, -1.0, 1.0));
                put("rope", random.floats(rows * spec.head_dim as usize, -1.0, 1.0));
            }
            Spec::Norm(spec) => {
                launch.push(("gain", 4));
                let width = spec.width as usize;
                put("vectors", random.floats(4 + width, 0.5, 1.5));
                put("input", random.floats(rows * width, -2.0, 2.0));
                put("output", random.halves(rows * width, -1.0, 1.0));
            }
            Spec::Quantize(spec) => {
                launch.push(("gain", 4));
                let width = spec.width as usize;
                put("vectors", random.floats(4 + width, 0.5, 1.5));
                let mut input = random.floats(rows * width, -2.0, 2.0);
                // Groups of which nothing is left, which have no inverse.
                input.chunks_mut(width).enumerate().for_each(|(row, x)| x[..32.min(width)].fill([0, 1][row % 2]));
                put("input", input);
                put("output", random.byte_rows(rows, width));
            }
            Spec::Matmul(spec) => {
                launch.extend([("gain", 4), ("bias", 4 + spec.k)]);
                let (n, k) = (spec.n as usize, spec.k as usize);
                weights(&mut put, &mut random, spec.format, n, k);
                put("vectors", random.floats((4 + k + n).next_multiple_of(4), 0.5, 1.5));
                let input = match spec.input {
                    Input::Plain | Input::Norm => random.floats(rows * k, -1.0, 1.0),
                    Input::Normed => random.halves(rows * k, -1.0, 1.0),
                    Input::Bytes => random.byte_rows(rows, k),
                };
                put("input", input);
                match spec.output {
                    Output::Store { stride } => {
                        launch.push(("base", stride - spec.n));
                        put("output", random.floats(rows * stride as usize, -1.0, 1.0));
                    }
                    Output::Residual => put("output", random.floats(rows * n, -1.0, 1.0)),
                    Output::SiluMul => put("output", random.floats(rows * n / 2, -1.0, 1.0)),
                    Output::Heads(heads) => self.head_outputs(&mut put, &mut random, rows, &heads),
                }
            }
            Spec::HeadNorm(spec) => {
                let heads = &spec.heads;
                launch.extend([("query_gain", 4), ("key_gain", 4 + heads.dim)]);
                put("vectors", random.floats(4 + 2 * heads.dim as usize, 0.5, 1.5));
                put("input", random.floats(rows * ((heads.query + 2 * heads.kv) * heads.dim) as usize, -2.0, 2.0));
                self.head_outputs(&mut put, &mut random, rows, heads);
            }
            Spec::Attention(spec) => {
                let (query, dim) = (spec.heads.query as usize, spec.heads.dim as usize);
                put("query", random.floats(rows * query * dim, -1.0, 1.0));
                put("cache", self.cache(&mut random, &spec.heads));
                put("pages", self.page_table(spec.pages_per_sequence));
                let parts = if spec.split { splits * (dim + 4) } else { 0 };
                put("output", random.floats(rows * query * (dim + parts), -1.0, 1.0));
            }
            Spec::Merge(spec) => {
                let (heads, dim) = (spec.heads as usize, spec.dim as usize);
                let mut output = random.floats(rows * heads * dim, -1.0, 1.0);
                output.extend(random.parts(rows * heads * splits, dim));
                put("output", output);
            }
            Spec::Draw(spec) => put_draw(&mut put, &mut random, spec, rows),
            Spec::ArgMax(spec) => {
                let parts = ARGMAX_PARTS as usize;
                let mut partial = random.floats(2 * rows * parts, -1.0, 1.0);
                let found = |(i, pair): (usize, &mut [u32])| (pair[0], pair[1]) = (order_of(pair[0]), (i % parts) as u32 * 6);
                partial.chunks_mut(2).enumerate().for_each(found);
                put("partial", partial);
                put("sampled", vec![u32::MAX; SEQUENCES as usize]);
                if let ArgMax::Parts { vocab, .. } = spec {
                    // Coarse values, so that several are equal.
                    let logits = random.floats(rows * *vocab as usize, -8.0, 8.0);
                    put("logits", logits.iter().map(|bits| f32::from_bits(*bits).round().to_bits()).collect());
                }
            }
        }
        debug_assert!(self.splits <= MAX_SPLITS);
        let launch = Launch::of(&launch);
        if let Spec::Draw(spec) = self.spec {
            // A kernel finds what those before it have left.
            for stage in DrawStage::ALL.into_iter().take_while(|stage| *stage != spec.stage) {
                reference::run(&Spec::Draw(Draw { stage, ..spec }), &launch, &mut operands);
            }
        }
        (launch, operands)
    }

    /// Workgroups of a kernel whose grid is `grid`.
    #[must_use]
    pub fn grid(&self, grid: &[Size; 3]) -> [u32; 3] {
        let step = |rows| StepSize::singles(rows, self.pages);
        let Spec::Attention(Attention { rows: Rows::Many, .. }) = self.spec else {
            return grid.each_ref().map(|size| size.eval(&step(self.rows - self.first)));
        };
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
    pub(super) fn position(&self, row: u32) -> u32 {
        self.place(row).1
    }

    /// Rows of a step: neighbouring positions of the sequence of each segment, or for small steps one row of each sequence.
    fn row_words(&self, random: &mut Random) -> Vec<u32> {
        let tokens = self.cached * PAGE_SIZE;
        let table = if let Spec::Embed(spec) = &self.spec { spec.n } else { 50 };
        let row = |row: u32| {
            // Some tokens lie outside the table, some are what was sampled last.
            let token = if row % 3 == 2 { u32::MAX } else { FIRST_TOKEN + (random.next() % (u64::from(table) + 10)) as u32 };
            let (sequence, position) = self.place(row);
            [token, position, sequence * tokens + position, sequence]
        };
        (0..self.rows).flat_map(row).collect()
    }

    /// A page table that visits the cache's pages out of order.
    fn page_table(&self, pages_per_sequence: u32) -> Vec<u32> {
        let mut table = vec![0; (SEQUENCES * pages_per_sequence) as usize];
        for page in 0..self.cached.min(pages_per_sequence) {
            for sequence in 0..SEQUENCES {
                let number = u64::from(sequence * self.cached + page) * 7 + 3;
                table[(sequence * pages_per_sequence + page) as usize] = (number % u64::from(SEQUENCES * self.cached)) as u32;
            }
        }
        table
    }

    fn cache(&self, random: &mut Random, heads: &Heads) -> Vec<u32> {
        let elements = (2 * heads.kv * heads.dim * PAGE_SIZE) as usize * (SEQUENCES * self.cached) as usize;
        if heads.cache == Dtype::F16 { random.halves(elements, -2.0, 2.0) } else { random.floats(elements, -2.0, 2.0) }
    }

    fn head_outputs(&self, put: &mut impl FnMut(&'static str, Vec<u32>), random: &mut Random, rows: usize, heads: &Heads) {
        put("rope", random.floats(rows * heads.dim as usize, -1.0, 1.0));
        put("query", random.floats(rows * (heads.query * heads.dim) as usize, -1.0, 1.0));
        put("cache", self.cache(random, heads));
    }
}

fn weights(put: &mut impl FnMut(&'static str, Vec<u32>), random: &mut Random, format: Format, n: usize, k: usize) {
    match format {
        Format::Q4 { scale } => {
            let groups = n * k.div_ceil(32);
            // The padding of ragged rows holds noise here: kernels must not depend on it.
            put("weights", random.words(4 * groups, 1, |random| random.next() as u32));
            let scales = if scale == Dtype::F16 { random.halves(groups, 0.01, 0.1) } else { random.floats(groups, 0.01, 0.1) };
            put("scales", scales);
        }
        Format::F16 => put("weights", random.halves(n * k, -0.5, 0.5)),
        Format::F32 => put("weights", random.floats(n * k, -0.5, 0.5)),
    }
}

/// Logits, and sequences that are drawn for in each way. All numbers are multiples of powers of two, so that depths are exact.
fn put_draw(put: &mut impl FnMut(&'static str, Vec<u32>), random: &mut Random, spec: &Draw, rows: usize) {
    let mut coarse = |count, most: f32, step: f32| -> Vec<u32> {
        let floats = random.floats(count, -most, most);
        floats.iter().map(|bits| ((f32::from_bits(*bits) / step).round() * step).to_bits()).collect()
    };
    let (vocab, sequences) = (spec.vocab as usize, SEQUENCES as usize);
    put("logits", coarse(rows * vocab, 8.0, 0.03125));
    let biases = coarse(sequences * vocab, 2.0, 0.25);
    put("tokens", biases.iter().enumerate().flat_map(|(i, bias)| [if i % 5 == 0 { i as u32 % 3 } else { 0 }, *bias]).collect());
    put("scratch", vec![7; rows * scratch_words(spec.vocab) as usize]);
    put("sampled", vec![u32::MAX; sequences]);
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
    put("sampling", ways.concat());
}

/// Seeded numbers: SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

/// What its state grows by with every number.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Words that a processor makes in one go.
const PART: usize = 1 << 16;

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    fn floats(&mut self, count: usize, low: f32, high: f32) -> Vec<u32> {
        self.words(count, 1, |random| random.between(low, high).to_bits())
    }

    fn halves(&mut self, count: usize, low: f32, high: f32) -> Vec<u32> {
        let half = |random: &mut Random| u32::from(f16::from_f32(random.between(low, high)).to_bits());
        self.words(count.div_ceil(2), 2, |random| half(random) | half(random) << 16)
    }

    /// Words that take `numbers` numbers each. All processors make them, but the words are those that one would make in order.
    fn words(&mut self, count: usize, numbers: u64, word: impl Fn(&mut Random) -> u32 + Sync + Send) -> Vec<u32> {
        let start = self.0;
        let behind = |words: usize| Random(start.wrapping_add((words as u64 * numbers).wrapping_mul(STEP)));
        *self = behind(count);
        let mut words = vec![0; count];
        parts(&mut words, PART, |part, words| {
            let mut random = behind(part * PART);
            words.iter_mut().for_each(|own| *own = word(&mut random));
        });
        words
    }

    /// Rows of bytes, each of its own group's scale, with zeros behind the end.
    fn byte_rows(&mut self, rows: usize, width: usize) -> Vec<u32> {
        let mut words = vec![0; rows * byte_row_words(width as u32) as usize];
        for row in words.chunks_mut(byte_row_words(width as u32) as usize) {
            (0..width).for_each(|i| bytes::set(row, i, (self.next() % 255) as i32 - 127));
            (0..width.div_ceil(32)).for_each(|group| bytes::set_scale(row, width, group, self.between(0.004, 0.016)));
        }
        words
    }

    /// Parts of split attention: a sum, a maximum, a positive denominator, two unused.
    fn parts(&mut self, count: usize, dim: usize) -> Vec<u32> {
        let part = |_| {
            let mut part = self.floats(dim, -1.0, 1.0);
            part.extend([self.between(-3.0, 3.0), self.between(0.5, 4.0), 0.0, 0.0].map(f32::to_bits));
            part
        };
        (0..count).flat_map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{PART, Random};

    #[test]
    fn words_of_many_processors_are_those_of_one() {
        let (mut all, mut one) = (Random(5), Random(5));
        let pair = |random: &mut Random| random.next() as u32 ^ random.next() as u32;
        let expected: Vec<u32> = (0..2 * PART + 3).map(|_| pair(&mut one)).collect();
        assert_eq!(all.words(2 * PART + 3, 2, pair), expected);
        assert_eq!(all.next(), one.next());
        assert!(all.words(0, 2, pair).is_empty());
    }
}
