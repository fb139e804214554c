//! Attention on the CPU: the reference.

use super::Attention;
use crate::operand::{Launch, Operands, set};
use tegula_plan::PAGE_SIZE;

pub(super) fn run(spec: &Attention, launch: &Launch, operands: &mut Operands) {
    let heads = &spec.heads;
    let cap = |score: f64| spec.softcap.map_or(score, |cap| f64::from(cap) * (score / f64::from(cap)).tanh());
    let (queries, dim) = (heads.query as usize, heads.dim as usize);
    let splits = if spec.split { launch.get("splits") } else { 1 };
    let mut output = operands.take("output");
    let [query, cache, rows, pages] = ["query", "cache", "rows", "pages"].map(|name| operands.read(name));
    let first_row = launch.get("first");
    for row in first_row..launch.rows() {
        let (position, sequence) = (rows.word(4 * row + 1), rows.word(4 * row + 3));
        let oldest = spec.window.map_or(0, |window| (position + 1).saturating_sub(window));
        let first_page = oldest / PAGE_SIZE;
        let share = (position / PAGE_SIZE + 1 - first_page).div_ceil(splits as u32);
        for (head, split) in (0..queries).flat_map(|head| (0..splits).map(move |split| (head, split))) {
            let start = PAGE_SIZE * (first_page + split as u32 * share);
            let keys = start.max(oldest)..(start + PAGE_SIZE * share).min(position + 1);
            let vector = |key: u32, value: bool| {
                let page = pages.word((sequence * spec.pages_per_sequence + key / PAGE_SIZE) as usize);
                let at = heads.cache_index(page * PAGE_SIZE + key % PAGE_SIZE, value, head / (queries / heads.kv as usize), 0);
                (0..dim).map(move |i| cache.typed(heads.cache, at + i))
            };
            let score = |key: u32| {
                let products = vector(key, false).enumerate().map(|(i, k)| query.float((row * queries + head) * dim + i) * k);
                cap(f64::from(spec.scale) * products.sum::<f64>())
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
                let at = launch.rows() * queries * dim + (((row - first_row) * queries + head) * splits + split) * (dim + 4);
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
