//! What each spec means, on the CPU: the oracle that every schedule is tested against.
//!
//! Operands are the buffers that a kernel binds, by name and in the layout it sees, so that layouts are part of what is checked. Arithmetic
//! is in double precision.

use super::draw::{logit_of, order_of};
use super::{ARGMAX_PARTS, ArgMax, Attention, Embed, Format, HeadNorm, Heads, Input, Matmul, Merge, NORM_ORDER, Norm, Output, Rows, Spec};
use crate::parallel::each;
use half::f16;
use std::collections::BTreeMap;
use tegula_plan::{Dtype, LAUNCH_MEMBERS, LAUNCH_WORDS, PAGE_SIZE};

/// The buffers of a dispatch, by binding name, as 32-bit words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operands {
    /// Contents of each.
    pub buffers: BTreeMap<&'static str, Vec<u32>>,
}

/// The launch block of a dispatch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Launch(pub [u32; LAUNCH_WORDS]);

impl Launch {
    /// A block with some members set; the others are zero.
    ///
    /// # Panics
    /// If there is no member of that name.
    #[must_use]
    pub fn of(members: &[(&str, u32)]) -> Launch {
        let mut words = [0; LAUNCH_WORDS];
        for (name, value) in members {
            words[index(name)] = *value;
        }
        Launch(words)
    }

    pub(super) fn rows(&self) -> usize {
        self.get("rows")
    }

    fn get(&self, name: &str) -> usize {
        self.0[index(name)] as usize
    }
}

fn index(name: &str) -> usize {
    LAUNCH_MEMBERS.iter().position(|member| *member == name).expect("callers name members of the launch block")
}

/// The words of one buffer, read as what they hold.
#[derive(Clone, Copy)]
pub(super) struct Words<'a>(pub &'a [u32]);

impl Words<'_> {
    pub(super) fn word(self, i: usize) -> u32 {
        self.0[i]
    }

    pub(super) fn float(self, i: usize) -> f64 {
        f64::from(f32::from_bits(self.0[i]))
    }

    fn half(self, i: usize) -> f64 {
        f64::from(f16::from_bits((self.0[i / 2] >> (16 * (i % 2))) as u16).to_f32())
    }

    fn typed(self, dtype: Dtype, i: usize) -> f64 {
        if dtype == Dtype::F16 { self.half(i) } else { self.float(i) }
    }
}

/// A weight matrix.
struct Weights<'a> {
    format: Format,
    columns: usize,
    weights: Words<'a>,
    scales: Words<'a>,
}

impl Weights<'_> {
    /// Element `k` of row `row`.
    fn get(&self, row: usize, k: usize) -> f64 {
        match self.format {
            Format::Q4 { scale } => {
                let groups = self.columns.div_ceil(32);
                let quant = self.weights.word(row * groups * 4 + k / 8) >> (4 * (k % 8)) & 15;
                (f64::from(quant) - 7.0) * self.scales.typed(scale, row * groups + k / 32)
            }
            Format::F16 => self.weights.half(row * self.columns + k),
            Format::F32 => self.weights.float(row * self.columns + k),
        }
    }

    /// All elements of row `row`, as [`Weights::get`] gives them.
    fn row(&self, row: usize) -> Vec<f64> {
        let Format::Q4 { scale } = self.format else { return (0..self.columns).map(|k| self.get(row, k)).collect() };
        let groups = self.columns.div_ceil(32);
        let mut elements = Vec::with_capacity(32 * groups);
        for group in row * groups..(row + 1) * groups {
            let scale = self.scales.typed(scale, group);
            let words = &self.weights.0[4 * group..][..4];
            elements
                .extend(words.iter().flat_map(|word| [0, 4, 8, 12, 16, 20, 24, 28].map(|bit| (f64::from(word >> bit & 15) - 7.0) * scale)));
        }
        elements.truncate(self.columns);
        elements
    }
}

impl Operands {
    /// A buffer to read; empty if the kernel does not bind it.
    pub(super) fn read(&self, name: &str) -> Words<'_> {
        Words(self.buffers.get(name).map_or(&[], Vec::as_slice))
    }

    /// A copy of a buffer to write, to be given back with [`Operands::give`].
    pub(super) fn take(&self, name: &str) -> Vec<u32> {
        self.buffers[name].clone()
    }

    pub(super) fn give(&mut self, name: &'static str, words: Vec<u32>) {
        self.buffers.insert(name, words);
    }

    fn weights(&self, format: Format, columns: u32) -> Weights<'_> {
        Weights { format, columns: columns as usize, weights: self.read("weights"), scales: self.read("scales") }
    }
}

pub(super) fn set(words: &mut [u32], i: usize, value: f64) {
    words[i] = (value as f32).to_bits();
}

fn set_typed(words: &mut [u32], dtype: Dtype, i: usize, value: f64) {
    if dtype == Dtype::F32 {
        return set(words, i, value);
    }
    let shift = 16 * (i % 2);
    words[i / 2] = words[i / 2] & !(0xffff << shift) | u32::from(f16::from_f64(value).to_bits()) << shift;
}

/// Computes a spec.
pub fn run(spec: &Spec, launch: &Launch, operands: &mut Operands) {
    match spec {
        Spec::Embed(spec) => embed(spec, launch, operands),
        Spec::Norm(spec) => norm(spec, launch, operands),
        Spec::Quantize(spec) => super::bytes::quantize(spec, launch, operands),
        Spec::Matmul(spec) => matmul(spec, launch, operands),
        Spec::HeadNorm(spec) => head_norm(spec, launch, operands),
        Spec::Attention(spec) => attention(spec, launch, operands),
        Spec::Merge(spec) => merge(spec, launch, operands),
        Spec::ArgMax(spec) => argmax(spec, launch, operands),
        Spec::Draw(spec) => super::draw::draw(spec, launch, operands),
    }
}

/// Rows that a dispatch works on.
pub(super) fn rows(rows: Rows, launch: &Launch) -> std::ops::Range<usize> {
    let first = launch.get("first");
    first..if rows == Rows::One { first + 1 } else { launch.get("rows") }
}

fn embed(spec: &Embed, launch: &Launch, operands: &mut Operands) {
    let (k, half, base) = (spec.k as usize, spec.head_dim as usize / 2, launch.get("base"));
    let (mut output, mut rope) = (operands.take("output"), operands.take("rope"));
    let (table, rows, vectors) = (operands.weights(spec.format, spec.k), operands.read("rows"), operands.read("vectors"));
    for row in 0..launch.get("rows") {
        let [token, position, _, sequence] = [0, 1, 2, 3].map(|i| rows.word(4 * row + i));
        let token = if token == u32::MAX { operands.read("sampled").word(sequence as usize) } else { token } as usize;
        if (base..base + spec.n as usize).contains(&token) {
            (0..k).for_each(|i| set(&mut output, row * k + i, table.get(token - base, i)));
        }
        for i in 0..half {
            // The angle is rounded to single precision, as Hugging Face does.
            let angle = f64::from(position as f32 * f32::from_bits(vectors.word(launch.get("gain") + i)));
            set(&mut rope, 2 * (row * half + i), angle.cos());
            set(&mut rope, 2 * (row * half + i) + 1, angle.sin());
        }
    }
    operands.give("output", output);
    operands.give("rope", rope);
}

fn matmul(spec: &Matmul, launch: &Launch, operands: &mut Operands) {
    let (n, k) = (spec.n as usize, spec.k as usize);
    let rows = rows(spec.rows, launch);
    let inputs: Vec<Vec<f64>> = rows.clone().map(|row| matmul_input(spec, launch, operands, row)).collect();
    let (weights, vectors) = (operands.weights(spec.format, spec.k), operands.read("vectors"));
    // A row of weights is read once for all rows of x, whose sums grow together: none of them waits for its own last addition.
    let columns: Vec<f64> = (0..k).flat_map(|j| inputs.iter().map(move |x| x[j])).collect();
    let features = each(n, |i| {
        let bias = if spec.bias { vectors.float(launch.get("bias") + i) } else { 0.0 };
        let mut sums = vec![0.0; inputs.len()];
        for (weight, column) in weights.row(i).into_iter().zip(columns.chunks_exact(inputs.len().max(1))) {
            sums.iter_mut().zip(column).for_each(|(sum, x)| *sum += x * weight);
        }
        sums.iter_mut().for_each(|sum| *sum += bias);
        sums
    });
    for (at, row) in rows.enumerate() {
        let y: Vec<f64> = features.iter().map(|feature| feature[at]).collect();
        if let Output::Heads(heads) = spec.output {
            store_heads(&heads, operands, row, &y);
            continue;
        }
        // Taken out, not copied: large products have large outputs.
        let mut output = operands.buffers.remove("output").unwrap_or_default();
        match spec.output {
            Output::Store { stride } => {
                let at = at * stride as usize + launch.get("base");
                (0..n).for_each(|i| set(&mut output, at + i, y[i]));
            }
            Output::SiluMul => {
                (0..n / 2).for_each(|i| set(&mut output, row * n / 2 + i, y[i] / (1.0 + (-y[i]).exp()) * y[n / 2 + i]));
            }
            Output::Residual | Output::Heads(_) => (0..n).for_each(|i| {
                let sum = Words(&output).float(row * n + i) + y[i];
                set(&mut output, row * n + i, sum);
            }),
        }
        operands.give("output", output);
    }
}

fn matmul_input(spec: &Matmul, launch: &Launch, operands: &Operands, row: usize) -> Vec<f64> {
    let (k, input, vectors) = (spec.k as usize, operands.read("input"), operands.read("vectors"));
    match spec.input {
        Input::Plain => (0..k).map(|i| input.float(row * k + i)).collect(),
        Input::Norm => normed(input, vectors, launch, row, k, spec.eps),
        Input::Normed => {
            let mut x = vec![0.0; k];
            (0..k).for_each(|i| x[i - i % 8 + NORM_ORDER[i % 8]] = input.half(row * k + i));
            x
        }
        Input::Bytes => super::bytes::read(input, row, k),
    }
}

/// The norm of a row of `k` elements, times its gain.
pub(super) fn normed(input: Words<'_>, vectors: Words<'_>, launch: &Launch, row: usize, k: usize, eps: f32) -> Vec<f64> {
    let x: Vec<f64> = (0..k).map(|i| input.float(row * k + i)).collect();
    let scale = (x.iter().map(|x| x * x).sum::<f64>() / k as f64 + f64::from(eps)).sqrt().recip();
    x.iter().enumerate().map(|(i, x)| x * scale * vectors.float(launch.get("gain") + i)).collect()
}

fn norm(spec: &Norm, launch: &Launch, operands: &mut Operands) {
    let k = spec.width as usize;
    let mut output = operands.take("output");
    for row in 0..launch.get("rows") {
        let x = normed(operands.read("input"), operands.read("vectors"), launch, row, k, spec.eps);
        (0..k).for_each(|i| set_typed(&mut output, Dtype::F16, row * k + i, x[i - i % 8 + NORM_ORDER[i % 8]]));
    }
    operands.give("output", output);
}

fn store_heads(heads: &Heads, operands: &mut Operands, row: usize, y: &[f64]) {
    let (queries, kv, dim) = (heads.query as usize, heads.kv as usize, heads.dim as usize);
    let half = dim / 2;
    // Taken out, not copied: this is done for every row.
    let [mut query, mut cache] = ["query", "cache"].map(|name| operands.buffers.remove(name).unwrap_or_default());
    let (rope, slot) = (operands.read("rope"), operands.read("rows").word(4 * row + 2));
    for head in 0..queries + 2 * kv {
        for i in 0..dim {
            let [cos, sin] = [0, 1].map(|j| rope.float(2 * (row * half + i % half) + j));
            let (own, other) = (y[head * dim + i], y[head * dim + (i + half) % dim]);
            let rotated = if i < half { own * cos - other * sin } else { own * cos + other * sin };
            if head < queries {
                set(&mut query, (row * queries + head) * dim + i, rotated);
            } else {
                let value = head >= queries + kv;
                let at = cache_index(heads, slot, value, (head - queries) % kv, i);
                set_typed(&mut cache, heads.cache, at, if value { own } else { rotated });
            }
        }
    }
    operands.give("query", query);
    operands.give("cache", cache);
}

/// Element of a layer's cache: `[page][key, value][kv head][PAGE_SIZE][dim]`.
fn cache_index(heads: &Heads, slot: u32, value: bool, kv: usize, i: usize) -> usize {
    let (page, place) = ((slot / PAGE_SIZE) as usize, (slot % PAGE_SIZE) as usize);
    (((page * 2 + usize::from(value)) * heads.kv as usize + kv) * PAGE_SIZE as usize + place) * heads.dim as usize + i
}

fn head_norm(spec: &HeadNorm, launch: &Launch, operands: &mut Operands) {
    let (query, kv, dim) = (spec.heads.query as usize, spec.heads.kv as usize, spec.heads.dim as usize);
    let width = (query + 2 * kv) * dim;
    for row in 0..launch.get("rows") {
        let (input, vectors) = (operands.read("input"), operands.read("vectors"));
        let mut y: Vec<f64> = (0..width).map(|i| input.float(row * width + i)).collect();
        for (head, y) in y.chunks_mut(dim).enumerate().take(query + kv) {
            let gain = launch.get(if head < query { "query_gain" } else { "key_gain" });
            let scale = (y.iter().map(|y| y * y).sum::<f64>() / dim as f64 + f64::from(spec.eps)).sqrt().recip();
            y.iter_mut().enumerate().for_each(|(i, y)| *y *= scale * vectors.float(gain + i));
        }
        store_heads(&spec.heads, operands, row, &y);
    }
}

fn attention(spec: &Attention, launch: &Launch, operands: &mut Operands) {
    let heads = &spec.heads;
    let (queries, dim) = (heads.query as usize, heads.dim as usize);
    let splits = if spec.split { launch.get("splits") } else { 1 };
    let mut output = operands.take("output");
    let [query, cache, rows, pages] = ["query", "cache", "rows", "pages"].map(|name| operands.read(name));
    let first_row = launch.get("first");
    for row in first_row..launch.get("rows") {
        let (position, sequence) = (rows.word(4 * row + 1), rows.word(4 * row + 3));
        let oldest = spec.window.map_or(0, |window| (position + 1).saturating_sub(window));
        let first_page = oldest / PAGE_SIZE;
        let share = (position / PAGE_SIZE + 1 - first_page).div_ceil(splits as u32);
        for (head, split) in (0..queries).flat_map(|head| (0..splits).map(move |split| (head, split))) {
            let start = PAGE_SIZE * (first_page + split as u32 * share);
            let keys = start.max(oldest)..(start + PAGE_SIZE * share).min(position + 1);
            let vector = |key: u32, value: bool| {
                let page = pages.word((sequence * spec.pages_per_sequence + key / PAGE_SIZE) as usize);
                let at = cache_index(heads, page * PAGE_SIZE + key % PAGE_SIZE, value, head / (queries / heads.kv as usize), 0);
                (0..dim).map(move |i| cache.typed(heads.cache, at + i))
            };
            let score = |key: u32| {
                let products = vector(key, false).enumerate().map(|(i, k)| query.float((row * queries + head) * dim + i) * k);
                f64::from(spec.scale) * products.sum::<f64>()
            };
            let scores: Vec<f64> = keys.clone().map(score).collect();
            let maximum = scores.iter().copied().fold(f64::from(-3.4e38f32), f64::max);
            let weights: Vec<f64> = scores.iter().map(|score| (score - maximum).exp()).collect();
            let denominator: f64 = weights.iter().sum();
            let mut sums = vec![0.0; dim];
            for (key, weight) in keys.zip(&weights) {
                sums.iter_mut().zip(vector(key, true)).for_each(|(sum, v)| *sum += weight * v);
            }
            if spec.split {
                let at = launch.get("rows") * queries * dim + (((row - first_row) * queries + head) * splits + split) * (dim + 4);
                sums.extend([maximum, denominator, 0.0, 0.0]);
                sums.iter().enumerate().for_each(|(i, x)| set(&mut output, at + i, *x));
            } else {
                let at = (row * queries + head) * dim;
                sums.iter().enumerate().for_each(|(i, sum)| set(&mut output, at + i, sum / denominator));
            }
        }
    }
    operands.give("output", output);
}

fn merge(spec: &Merge, launch: &Launch, operands: &mut Operands) {
    let (heads, dim, splits) = (launch.get("rows") * spec.heads as usize, spec.dim as usize, launch.get("splits"));
    let first = launch.get("first") * spec.heads as usize;
    let mut output = operands.take("output");
    for head in first..heads {
        let part = |s: usize| heads * dim + ((head - first) * splits + s) * (dim + 4);
        let read = |i: usize| Words(&output).float(i);
        let maximum = (0..splits).map(|s| read(part(s) + dim)).fold(f64::MIN, f64::max);
        let weights: Vec<f64> = (0..splits).map(|s| (read(part(s) + dim) - maximum).exp()).collect();
        let total: f64 = (0..splits).map(|s| weights[s] * read(part(s) + dim + 1)).sum();
        let sum = |i: usize| (0..splits).map(|s| weights[s] * read(part(s) + i)).sum::<f64>() / total;
        let merged: Vec<f64> = (0..dim).map(sum).collect();
        merged.iter().enumerate().for_each(|(i, x)| set(&mut output, head * dim + i, *x));
    }
    operands.give("output", output);
}

fn argmax(spec: &ArgMax, launch: &Launch, operands: &mut Operands) {
    let parts = ARGMAX_PARTS as usize;
    let first_of_greatest =
        |best: (u32, u32), next: (u32, u32)| if next.0 > best.0 || next.0 == best.0 && next.1 < best.1 { next } else { best };
    match spec {
        ArgMax::Parts { vocab, rows: which } => {
            let (vocab, share) = (*vocab as usize, (*vocab as usize).div_ceil(parts));
            let (mut partial, logits) = (operands.take("partial"), operands.read("logits"));
            for (row, part) in (0..rows(*which, launch).len()).flat_map(|row| (0..parts).map(move |part| (row, part))) {
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
            for (row, at) in rows(*which, launch).enumerate() {
                let candidate = |part: usize| (partial.word(2 * (row * parts + part)), partial.word(2 * (row * parts + part) + 1));
                let best = (0..parts).map(candidate).fold((0, u32::MAX), first_of_greatest);
                let is_sound = logit_of(best.0).is_finite() && best.0 > order_of(f32::NEG_INFINITY.to_bits());
                sampled[operands.read("rows").word(4 * at + 3) as usize] = if is_sound { best.1 } else { u32::MAX };
            }
            operands.give("sampled", sampled);
        }
    }
}
