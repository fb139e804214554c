//! Picks the next token on the CPU: penalties, bias, temperature, then top-k, top-p and min-p.
//!
//! The order of likelihood is that of *depth* ([`tegula_plan::DEPTH_ONE`]): the least depth is the likeliest, and equal depths are ordered
//! by id. Each filter keeps the first ids of this order. Top-k keeps so many. Top-p keeps as many as make up a part of what top-k left.
//! Min-p keeps those that are at least a part as likely as the likeliest; that is a limit of depth and needs no sum.
//!
//! Kernels do the same on the GPU (`wgsl/sample`), and are tested against this module. It also picks where they cannot.
//!
//! The draw is a function of seed and position alone: word 0 of Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
//! easy as 1, 2, 3", SC 2011) with counter (position, 0, 0, 0) and the seed as key. Its upper 24 bits are a fraction in `[0, 1)`. So a seed
//! gives the same answer however requests are batched, and kernels make the same draw with 32-bit integers. A second draw for a position
//! has the counter (position, 1, 0, 0).

mod sampling;

use std::collections::BTreeMap;

use tegula_plan::{DEEPEST, DEPTH_ONE};

pub use sampling::Sampling;
pub(crate) use sampling::limit;

/// Scratch for picking tokens, kept between them.
#[derive(Debug, Default)]
pub struct Sampler {
    /// Depths and ids.
    candidates: Vec<(u32, u32)>,
}

impl Sampler {
    /// What is deeper, less than a ten-thousandth as likely as the likeliest, is looked at only if the rest is too little. Most nuclei end
    /// long before.
    const CUT: u32 = (9.25 * DEPTH_ONE) as u32;

    /// Candidates that are sorted first; more only if the nucleus has more.
    const SORTED: usize = 256;

    /// The id for `position`, from the logits of the token before it, which are used up. `counts` says how often the answer has each id.
    /// Nothing where a logit is not a number or all are minus infinity.
    pub fn pick(&mut self, logits: &mut [f32], sampling: &Sampling, counts: &BTreeMap<u32, u32>, position: u32) -> Option<u32> {
        self.choose(logits, sampling, counts, draw(sampling.seed, position))
    }

    /// As [`Sampler::pick`], by another draw: for a place whose first one came to nothing.
    pub fn pick_again(&mut self, logits: &mut [f32], sampling: &Sampling, counts: &BTreeMap<u32, u32>, position: u32) -> Option<u32> {
        self.choose(logits, sampling, counts, fraction(sampling.seed, [position, 1, 0, 0]))
    }

    fn choose(&mut self, logits: &mut [f32], sampling: &Sampling, counts: &BTreeMap<u32, u32>, fraction: f32) -> Option<u32> {
        sampling.adjust(logits, counts);
        let (greatest, max) = greatest(logits)?;
        if sampling.is_greedy() {
            return Some(greatest);
        }
        let depth = |logit| depth_of(logit, max, sampling.temperature);
        let fraction = f64::from(fraction);
        let deepest = sampling.deepest();
        let top_k = if (sampling.top_k as usize) < logits.len() { sampling.top_k as usize } else { 0 };
        if sampling.top_p >= 1.0 && top_k == 0 {
            let mut total = 0.0;
            for logit in &mut *logits {
                *logit = depth(*logit).filter(|depth| *depth <= deepest).map_or(0.0, weight);
                total += f64::from(*logit);
            }
            return Some(walk(logits.iter().copied().zip(0..), fraction * total).unwrap_or(greatest));
        }
        let total: f64 = logits.iter().filter_map(|&logit| depth(logit)).map(|depth| f64::from(weight(depth))).sum();
        let mut collect = |cut: u32| {
            let all = logits.iter().map(|&logit| depth(logit)).zip(0..);
            self.candidates.clear();
            self.candidates.extend(all.filter_map(|(depth, id)| depth.filter(|depth| *depth <= cut).map(|depth| (depth, id))));
            if top_k > 0 { self.candidates.len() >= top_k } else { mass(&self.candidates) >= f64::from(sampling.top_p) * total }
        };
        if !collect(Self::CUT) {
            collect(DEEPEST);
        }
        if (1..self.candidates.len()).contains(&top_k) {
            self.candidates.select_nth_unstable(top_k);
            self.candidates.truncate(top_k);
        }
        let total = if top_k > 0 { mass(&self.candidates) } else { total };
        self.keep(if sampling.top_p < 1.0 { f64::from(sampling.top_p) * total } else { f64::INFINITY });
        let kept = self.candidates.partition_point(|&(depth, _)| depth <= deepest);
        let candidates = &self.candidates[..kept];
        let weights = candidates.iter().map(|&(depth, id)| (weight(depth), id));
        Some(walk(weights, fraction * mass(candidates)).unwrap_or(greatest))
    }

    /// Keeps the likeliest candidates that come to `mass`, in order.
    fn keep(&mut self, mass: f64) {
        let (mut sorted, mut sum) = (0, 0.0);
        while sorted < self.candidates.len() {
            let end = (sorted * 4).max(Self::SORTED).min(self.candidates.len());
            let rest = &mut self.candidates[sorted..];
            if sorted + rest.len() > end {
                rest.select_nth_unstable(end - sorted);
            }
            rest[..end - sorted].sort_unstable();
            for index in sorted..end {
                sum += f64::from(weight(self.candidates[index].0));
                if sum >= mass {
                    self.candidates.truncate(index + 1);
                    return;
                }
            }
            sorted = end;
        }
    }
}

/// How far a logit is below the greatest, over the temperature, in steps of 1 / [`DEPTH_ONE`]; none where it weighs nothing.
#[must_use]
pub fn depth_of(logit: f32, greatest: f32, temperature: f32) -> Option<u32> {
    let depth = (greatest - logit) / temperature;
    (depth < 32.0).then_some((depth * DEPTH_ONE) as u32)
}

/// The weight of a depth; that of the likeliest is 1.
fn weight(depth: u32) -> f32 {
    (-(depth as f32) / DEPTH_ONE).exp()
}

/// What candidates weigh together.
fn mass(candidates: &[(u32, u32)]) -> f64 {
    candidates.iter().map(|&(depth, _)| f64::from(weight(depth))).sum()
}

/// The first of the greatest logits. Nothing where one is not a number, or too great to be one.
fn greatest(logits: &[f32]) -> Option<(u32, f32)> {
    let (mut best, mut max) = (0, f32::NEG_INFINITY);
    for (id, &logit) in (0..).zip(logits) {
        if logit > max {
            (best, max) = (id, logit);
        } else if logit.is_nan() {
            return None;
        }
    }
    max.is_finite().then_some((best, max))
}

/// The id at which the running sum of weights exceeds `target`. Rounding can leave the sum just below it: then nothing.
fn walk(weights: impl Iterator<Item = (f32, u32)>, target: f64) -> Option<u32> {
    let mut sum = 0.0;
    for (weight, id) in weights {
        sum += f64::from(weight);
        if sum > target {
            return Some(id);
        }
    }
    None
}

/// A fraction in `[0, 1)` for a seed and position: see the head of the module.
#[must_use]
pub fn draw(seed: u64, position: u32) -> f32 {
    fraction(seed, [position, 0, 0, 0])
}

fn fraction(seed: u64, counter: [u32; 4]) -> f32 {
    let [word, ..] = philox(counter, [seed as u32, (seed >> 32) as u32]);
    (word >> 8) as f32 / (1 << 24) as f32
}

/// Philox4x32 with ten rounds: four random words of a counter under a key.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let [a, b] = [(0xd251_1f53, counter[0]), (0xcd9e_8d57, counter[2])].map(|(factor, word)| u64::from(word) * factor);
        counter = [(b >> 32) as u32 ^ counter[1] ^ key[0], b as u32, (a >> 32) as u32 ^ counter[3] ^ key[1], a as u32];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

#[cfg(test)]
mod tests;
