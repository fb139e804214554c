//! Kernel cases: specs of odd shapes, with seeded random operands in the layouts that kernels bind.

use half::f16;
use tegula_compiler::spec::reference::{Launch, Operands};
use tegula_compiler::spec::{
    ARGMAX_PARTS, ArgMax, Attention, Embed, Format, HeadNorm, Heads, Input, MAX_SPLITS, Matmul, Output, Rows, Spec,
};
use tegula_plan::{Dtype, PAGE_SIZE};

const FORMATS: [Format; 4] = [Format::Q4 { scale: Dtype::F16 }, Format::Q4 { scale: Dtype::F32 }, Format::F16, Format::F32];
const PAGES_PER_SEQUENCE: u32 = 12;
const SEQUENCES: u32 = 3;

/// A spec and a step to run it on.
pub struct Case {
    pub spec: Spec,
    /// Rows of the step.
    pub rows: u32,
    /// Row that single-row kernels work on.
    pub first: u32,
    /// Pages of the longest sequence.
    pub pages: u32,
    /// Parts of split attention.
    pub splits: u32,
    /// Whether other schedules than the default are tried too: on some specs of each template, since every kernel takes time to compile.
    pub vary: bool,
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
        let input = Input::Merge { heads: 8, head_dim: 16 };
        for rows in [Rows::One, Rows::Few] {
            specs.push(Spec::Matmul(Matmul { n: 72, k: 128, format, bias: true, input, eps: 0.0, output: Output::Residual, rows }));
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
    for rows in [Rows::One, Rows::Few] {
        specs.push(Spec::ArgMax(ArgMax::Parts { vocab: 361, rows }));
        specs.push(Spec::ArgMax(ArgMax::Whole { rows }));
    }
    specs.into_iter().flat_map(steps).collect()
}

/// The steps that a spec is run on.
fn steps(spec: Spec) -> Vec<Case> {
    let vary = match spec {
        Spec::Matmul(Matmul { format, bias: true, .. }) => matches!(format, Format::Q4 { scale: Dtype::F16 } | Format::F32),
        Spec::Attention(Attention { heads, window, .. }) => heads.dim == 32 && window.is_some(),
        Spec::Matmul(_) | Spec::Embed(_) => false,
        Spec::HeadNorm(_) | Spec::ArgMax(_) => true,
    };
    let case = |rows, first, pages, splits| Case { spec, rows, first, pages, splits, vary };
    match spec {
        Spec::Matmul(Matmul { rows: Rows::One, input: Input::Merge { .. }, .. }) => vec![case(1, 0, 12, 1), case(1, 0, 12, 3)],
        Spec::Matmul(Matmul { rows: Rows::One, output: Output::Store { .. }, .. }) => vec![case(1, 0, 1, 1), case(7, 6, 1, 1)],
        Spec::Matmul(Matmul { rows: Rows::One, .. }) | Spec::ArgMax(ArgMax::Parts { rows: Rows::One, .. }) => vec![case(1, 0, 1, 1)],
        Spec::ArgMax(ArgMax::Whole { rows: Rows::One }) => vec![case(7, 6, 1, 1)],
        Spec::Matmul(Matmul { rows: Rows::Few, input: Input::Merge { .. }, .. }) => vec![case(3, 0, 24, 3)],
        Spec::Matmul(Matmul { rows: Rows::Few, .. }) | Spec::ArgMax(_) => vec![case(3, 0, 1, 1)],
        Spec::Matmul(_) => vec![case(70, 0, 1, 1)],
        Spec::Attention(Attention { split: true, .. }) => vec![case(1, 0, 8, 1), case(3, 0, 12, 2)],
        Spec::Attention(_) => vec![case(19, 0, 12, 1)],
        Spec::Embed(_) | Spec::HeadNorm(_) => vec![case(5, 0, 1, 1)],
    }
}

impl Case {
    /// The launch block and operands: the same for the same spec.
    pub fn operands(&self) -> (Launch, Operands) {
        let mut random = Random(0x7e61_a000 + u64::from(self.rows));
        let (rows, splits) = (self.rows as usize, self.splits as usize);
        let mut launch = vec![("rows", self.rows), ("first", self.first), ("splits", self.splits)];
        let mut operands = Operands::default();
        let mut put = |name, words| {
            operands.buffers.insert(name, words);
        };
        put("rows", self.row_words(&mut random));
        match &self.spec {
            Spec::Embed(spec) => {
                let base = 30;
                launch.extend([("base", base), ("gain", 8)]);
                weights(&mut put, &mut random, spec.format, spec.n as usize, spec.k as usize);
                put("sampled", (0..SEQUENCES).map(|i| base + 7 * i).collect());
                put("vectors", random.floats(8 + (spec.head_dim as usize / 2).next_multiple_of(4), 0.0, 1.0));
                put("output", random.floats(rows * spec.k as usize, -1.0, 1.0));
                put("rope", random.floats(rows * spec.head_dim as usize, -1.0, 1.0));
            }
            Spec::Matmul(spec) => {
                launch.extend([("gain", 4), ("bias", 4 + spec.k)]);
                let (n, k) = (spec.n as usize, spec.k as usize);
                weights(&mut put, &mut random, spec.format, n, k);
                put("vectors", random.floats((4 + k + n).next_multiple_of(4), 0.5, 1.5));
                let input = match spec.input {
                    Input::Merge { heads, head_dim } => random.parts(rows * heads as usize * splits, head_dim as usize),
                    _ => random.floats(rows * k, -1.0, 1.0),
                };
                put("input", input);
                match spec.output {
                    Output::Store { stride } => {
                        launch.push(("base", stride - spec.n));
                        put("output", random.floats(rows * stride as usize, -1.0, 1.0));
                    }
                    Output::Residual => put("output", random.floats(rows * n, -1.0, 1.0)),
                    Output::SiluMul => put("output", random.floats(rows * n / 2, -1.0, 1.0)),
                    Output::Heads(heads) => head_outputs(&mut put, &mut random, rows, &heads),
                }
            }
            Spec::HeadNorm(spec) => {
                let heads = &spec.heads;
                launch.extend([("query_gain", 4), ("key_gain", 4 + heads.dim)]);
                put("vectors", random.floats(4 + 2 * heads.dim as usize, 0.5, 1.5));
                put("input", random.floats(rows * ((heads.query + 2 * heads.kv) * heads.dim) as usize, -2.0, 2.0));
                head_outputs(&mut put, &mut random, rows, heads);
            }
            Spec::Attention(spec) => {
                let (query, dim) = (spec.heads.query as usize, spec.heads.dim as usize);
                put("query", random.floats(rows * query * dim, -1.0, 1.0));
                put("cache", cache(&mut random, &spec.heads));
                // A page table that visits the cache's pages out of order.
                put("pages", (0..SEQUENCES * PAGES_PER_SEQUENCE).map(|i| (i * 7 + 3) % (SEQUENCES * PAGES_PER_SEQUENCE)).collect());
                let floats = if spec.split { rows * query * splits * (dim + 4) } else { rows * query * dim };
                put("output", random.floats(floats, -1.0, 1.0));
            }
            Spec::ArgMax(spec) => {
                let parts = ARGMAX_PARTS as usize;
                let mut partial = random.floats(2 * rows * parts, -1.0, 1.0);
                partial.chunks_mut(2).enumerate().for_each(|(i, pair)| pair[1] = (i % parts) as u32 * 6);
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
        (Launch::of(&launch), operands)
    }

    /// Rows of a step: neighbouring positions of one sequence, or for small steps one row of each sequence.
    fn row_words(&self, random: &mut Random) -> Vec<u32> {
        let own_sequences = self.rows <= SEQUENCES;
        let last = PAGES_PER_SEQUENCE * PAGE_SIZE - 1;
        let row = |row: u32| {
            let token = if row % 3 == 2 { u32::MAX } else { 30 + (random.next() % 60) as u32 };
            let (sequence, position) = if own_sequences { (row, last - 61 * row) } else { (1, last - self.rows - 3 + row) };
            [token, position, (sequence * PAGES_PER_SEQUENCE * PAGE_SIZE + position) % 512, sequence]
        };
        (0..self.rows).flat_map(row).collect()
    }
}

fn weights(put: &mut impl FnMut(&'static str, Vec<u32>), random: &mut Random, format: Format, n: usize, k: usize) {
    match format {
        Format::Q4 { scale } => {
            let groups = n * k.div_ceil(32);
            // The padding of ragged rows holds noise here: kernels must not depend on it.
            put("weights", (0..4 * groups).map(|_| random.next() as u32).collect());
            let scales = if scale == Dtype::F16 { random.halves(groups, 0.01, 0.1) } else { random.floats(groups, 0.01, 0.1) };
            put("scales", scales);
        }
        Format::F16 => put("weights", random.halves(n * k, -0.5, 0.5)),
        Format::F32 => put("weights", random.floats(n * k, -0.5, 0.5)),
    }
}

fn cache(random: &mut Random, heads: &Heads) -> Vec<u32> {
    let elements = (2 * heads.kv * heads.dim * PAGE_SIZE * SEQUENCES * PAGES_PER_SEQUENCE) as usize;
    if heads.cache == Dtype::F16 { random.halves(elements, -2.0, 2.0) } else { random.floats(elements, -2.0, 2.0) }
}

fn head_outputs(put: &mut impl FnMut(&'static str, Vec<u32>), random: &mut Random, rows: usize, heads: &Heads) {
    put("rope", random.floats(rows * heads.dim as usize, -1.0, 1.0));
    put("query", random.floats(rows * (heads.query * heads.dim) as usize, -1.0, 1.0));
    put("cache", cache(random, heads));
}

/// Seeded numbers: SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    fn floats(&mut self, count: usize, low: f32, high: f32) -> Vec<u32> {
        (0..count).map(|_| self.between(low, high).to_bits()).collect()
    }

    fn halves(&mut self, count: usize, low: f32, high: f32) -> Vec<u32> {
        let mut half = || u32::from(f16::from_f32(self.between(low, high)).to_bits());
        (0..count.div_ceil(2)).map(|_| half() | half() << 16).collect()
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
