//! What may be drawn for a row, and rows to draw for.
//!
//! The kernels and the sampler work in single precision, in different orders, so that sums differ by roundings. Where a draw, or the end of
//! the nucleus, is within [`ROUNDING`] of a boundary between two ids, both are right; anywhere else the ids must be the same. What lies within
//! is worked out here, in double precision.

use std::collections::BTreeMap;

use tegula::sampler::{Sampler, Sampling, draw};

/// By how much of all weights together sums differ.
const ROUNDING: f64 = 2e-6;

/// By how much of itself a weight differs.
const WEIGHT: f64 = 1e-5;

/// What is drawn for a row.
pub struct Case {
    pub sampling: Sampling,
    pub counts: BTreeMap<u32, u32>,
    pub logits: Vec<f32>,
    pub ids: u32,
    pub position: u32,
}

impl Case {
    /// So many ids at most, unless there are no more anyway.
    fn top_k(&self) -> Option<usize> {
        (1..self.ids).contains(&self.sampling.top_k).then_some(self.sampling.top_k as usize)
    }

    /// Whether min-p may leave a weight, and whether it must: the greatest is exact.
    fn min_p_leaves(&self, weight: f64) -> (bool, bool) {
        let least = f64::from(self.sampling.min_p);
        (weight >= least * (1.0 - WEIGHT), weight == 1.0 || weight >= least * (1.0 + WEIGHT))
    }
}

/// What the sampler draws.
pub fn pick(case: &Case) -> Option<u32> {
    Sampler::default().pick(&mut case.logits[..case.ids as usize].to_vec(), &case.sampling, &case.counts, case.position)
}

/// The weights of a row in the order in which they are walked, by id, and the greatest weight is 1.
pub fn ordered(case: &Case) -> Vec<(f64, u32)> {
    let Sampling { temperature, presence_penalty, frequency_penalty, repetition_penalty, .. } = case.sampling;
    let mut logits: Vec<f64> = case.logits[..case.ids as usize].iter().map(|&logit| f64::from(logit)).collect();
    for (&id, &count) in &case.counts {
        let Some(logit) = logits.get_mut(id as usize) else { continue };
        let repetition = f64::from(repetition_penalty);
        *logit = if *logit > 0.0 { *logit / repetition } else { *logit * repetition };
        *logit -= f64::from(presence_penalty) + f64::from(count) * f64::from(frequency_penalty);
    }
    for &(id, bias) in &case.sampling.logit_bias {
        if let Some(logit) = logits.get_mut(id as usize) {
            *logit += f64::from(bias);
        }
    }
    let greatest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weight = |logit: f64| ((logit - greatest) / f64::from(temperature)).exp();
    let mut weights: Vec<(f64, u32)> = logits.into_iter().map(weight).zip(0..).collect();
    if case.sampling.top_p < 1.0 || case.top_k().is_some() {
        weights.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    }
    weights
}

/// Whether rounding alone can lead to an id. The greatest logit needs none.
pub fn is_explained(case: &Case, id: u32) -> bool {
    if case.sampling.is_greedy() {
        return pick(case) == Some(id);
    }
    let all = ordered(case);
    let total: f64 = all[..case.top_k().unwrap_or(all.len())].iter().map(|(weight, _)| weight).sum();
    let slack = ROUNDING * total;
    let fraction = f64::from(draw(case.sampling.seed, case.position));
    let at = all.iter().position(|&(_, other)| other == id).expect("the id is of the vocabulary");
    // What is as likely but for rounding may come before the id or behind it. What is exactly as likely goes by id.
    let own = all[at].0;
    let alike = |&&(weight, _): &&(f64, u32)| weight != own && (weight - own).abs() <= WEIGHT * own;
    let before: f64 = all[..at].iter().filter(|other| !alike(other)).map(|(weight, _)| weight).sum();
    let (least, most) = (before - slack, before + own + slack + all.iter().filter(alike).map(|(weight, _)| weight).sum::<f64>());
    if !case.sampling.is_nucleus() || (case.sampling.top_p >= 1.0 && case.top_k().is_none()) {
        // What min-p must leave, and what it may.
        let sums = |all: &[(f64, u32)]| {
            let sum = |must: bool| {
                all.iter()
                    .map(|&(weight, _)| weight)
                    .filter(|&weight| {
                        let (may, has_to) = case.min_p_leaves(weight);
                        if must { has_to } else { may }
                    })
                    .sum::<f64>()
            };
            (sum(true), sum(false))
        };
        let ((before, before_most), (total, total_most)) = (sums(&all[..at]), sums(&all));
        return case.min_p_leaves(own).0 && before - slack <= fraction * total_most && fraction * total <= before_most + own + slack;
    }
    // Where the nucleus may end.
    let mass = if case.sampling.top_p < 1.0 { f64::from(case.sampling.top_p) * total } else { f64::INFINITY };
    let mut running = 0.0;
    for (index, &(weight, _)) in all.iter().enumerate() {
        running += weight;
        let next = all.get(index + 1).filter(|_| case.top_k() != Some(index + 1)).map(|&(weight, _)| case.min_p_leaves(weight));
        let (goes_on, must_go_on) = next.unwrap_or((false, false));
        if running >= mass - slack || !must_go_on {
            if (least..=most).contains(&(fraction * running)) && least < running {
                return true;
            }
            if running >= mass + slack || !goes_on {
                return false;
            }
        }
    }
    false
}

/// Seeded numbers: SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 on, less than 1.
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[(self.next() % of.len() as u64) as usize]
    }

    /// Flat, peaked and coarse rows, rows where likely ids lie side by side, and some where ids are impossible.
    fn logits(&mut self, vocab: u32) -> Vec<f32> {
        let (shape, scale) = (self.next() % 6, self.pick(&[0.01f32, 1.0, 4.0, 12.0]));
        let mut logits: Vec<f32> = (0..vocab).map(|_| (self.unit() + self.unit() + self.unit() - 1.5) * 2.0 * scale).collect();
        match shape {
            0 => logits.iter_mut().for_each(|logit| *logit = logit.round()),
            1 => logits.iter_mut().zip(0..).for_each(|(logit, id)| *logit -= id as f32 * 0.05),
            2 => logits.iter_mut().step_by(3).for_each(|logit| *logit = f32::NEG_INFINITY),
            3 => logits.fill(-7.25),
            _ => {}
        }
        logits
    }

    /// A few levels of logits, with limits at and beside them.
    pub fn coarse(&mut self, vocab: u32) -> Case {
        let (temperature, step) = (self.pick(&[0.5, 1.0, 2.0]), self.pick(&[0.0, 0.0625, 0.5, 1.0]));
        let levels = self.pick(&[1, 2, 7, 50]);
        let logits = (0..vocab).map(|_| (self.next() % levels) as f32 * step - 3.0).collect();
        let level = (self.next() % levels) as f32 * step / temperature;
        let min_p = self.pick(&[0.0, 1.0, 0.999_999, 1.000_001]) * (-level).exp();
        let top_k = self.pick(&[0, 2, 3, 30, 50, 51, 52, vocab / 2, vocab / 7, vocab - 1]);
        let sampling = Sampling {
            temperature,
            top_p: self.pick(&[1.0, 1.0, 0.999_999, 0.5]),
            top_k,
            min_p: min_p.min(1.0),
            seed: self.next(),
            ..Sampling::default()
        };
        Case { sampling, counts: BTreeMap::new(), logits, ids: vocab, position: 1 + (self.next() % 9000) as u32 }
    }

    pub fn case(&mut self, vocab: u32) -> Case {
        let mut sampling = Sampling {
            temperature: self.pick(&[0.0, 1e-6, 0.2, 0.7, 1.0, 1.0, 1.5, 3.0, 100.0]),
            top_p: self.pick(&[0.0, 0.1, 0.5, 0.9, 0.95, 0.999, 0.999_999, 1.0, 1.0, 1.0]),
            top_k: self.pick(&[0, 0, 0, 0, 1, 2, 5, 40, 200, vocab - 6, vocab - 5, vocab, u32::MAX]),
            min_p: self.pick(&[0.0, 0.0, 0.0, 0.0, 1e-9, 0.02, 0.1, 0.5, 0.95, 1.0]),
            seed: self.next(),
            ..Sampling::default()
        };
        let mut counts = BTreeMap::new();
        if self.next().is_multiple_of(2) {
            sampling.presence_penalty = self.pick(&[0.0, 0.3, -1.1, 2.0]);
            sampling.frequency_penalty = self.pick(&[0.0, 0.4, -0.3, 1.7]);
            sampling.repetition_penalty = self.pick(&[1.0, 1.1, 0.8, 3.0]);
            counts.extend((0..self.next() % 60).map(|_| ((self.next() % u64::from(vocab)) as u32, 1 + (self.next() % 9) as u32)));
        }
        if self.next().is_multiple_of(3) {
            let bias = |random: &mut Random| ((random.next() % u64::from(vocab)) as u32, random.unit() * 200.0 - 100.0);
            sampling.logit_bias.extend((0..self.next() % 10).map(|_| bias(self)));
        }
        let ids = self.pick(&[vocab, vocab, vocab - 5]);
        Case { sampling, counts, logits: self.logits(vocab), ids, position: 1 + (self.next() % 9000) as u32 }
    }
}
