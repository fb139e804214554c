//! Picks the next token on the CPU: penalties, bias, temperature and nucleus.
//!
//! Kernels do the same on the GPU (`wgsl/sample`), and this is what they are tested against; it picks where they cannot.
//!
//! The draw is a function of seed and position alone: word 0 of Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
//! easy as 1, 2, 3", SC 2011) with counter (position, 0, 0, 0) and the seed as key, of which the upper 24 bits are a fraction in `[0, 1)`.
//! A seed therefore gives the same answer however requests are batched, and kernels make the same draw with 32-bit integers.

use std::collections::BTreeMap;

use crate::config::ChatConfig;
use crate::{ErrorKind, Result};

/// How to pick tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 takes the greatest.
    pub temperature: f32,
    /// Draws among the likeliest tokens that have this much probability together, in 0 to 1.
    pub top_p: f32,
    /// Key of the draws.
    pub seed: u64,
    /// Taken from the logits of tokens that the answer has, in -2 to 2.
    pub presence_penalty: f32,
    /// Taken from the logits of tokens for each time that the answer has them, in -2 to 2.
    pub frequency_penalty: f32,
    /// Divides the logits of tokens that the answer has, or multiplies them where negative; 1 does nothing.
    pub repetition_penalty: f32,
    /// Added to the logits of these ids, each in -100 to 100.
    pub logit_bias: Vec<(u32, f32)>,
}

impl Sampling {
    /// Always the likeliest token.
    #[must_use]
    pub fn greedy() -> Sampling {
        Sampling { temperature: 0.0, ..Sampling::default() }
    }

    /// What a package asks for where a request does not.
    #[must_use]
    pub fn of(config: &ChatConfig) -> Sampling {
        let default = Sampling::default();
        Sampling {
            temperature: config.temperature.unwrap_or(default.temperature),
            top_p: config.top_p.unwrap_or(default.top_p),
            presence_penalty: config.presence_penalty.unwrap_or(default.presence_penalty),
            frequency_penalty: config.frequency_penalty.unwrap_or(default.frequency_penalty),
            repetition_penalty: config.repetition_penalty.unwrap_or(default.repetition_penalty),
            ..default
        }
    }

    /// Whether the greatest logit, which the GPU finds, is all that is needed.
    #[must_use]
    pub fn is_plain_greedy(&self) -> bool {
        self.temperature == 0.0 && !self.adjusts()
    }

    /// Whether every value is in its range.
    ///
    /// # Errors
    /// [`ErrorKind::FieldRange`].
    pub fn check(&self) -> Result<()> {
        let within = |field, value: f32, low: f32, high: f32, allowed| {
            if (low..=high).contains(&value) { Ok(()) } else { Err(ErrorKind::FieldRange { field, value: value.to_string(), allowed }) }
        };
        within("temperature", self.temperature, 0.0, f32::MAX, "a number of 0 or more")?;
        within("top_p", self.top_p, 0.0, 1.0, "a number from 0 to 1")?;
        within("presence_penalty", self.presence_penalty, -2.0, 2.0, "a number from -2 to 2")?;
        within("frequency_penalty", self.frequency_penalty, -2.0, 2.0, "a number from -2 to 2")?;
        within("repetition_penalty", self.repetition_penalty, f32::MIN_POSITIVE, f32::MAX, "a number greater than 0")?;
        for &(_, bias) in &self.logit_bias {
            within("logit_bias", bias, -100.0, 100.0, "numbers from -100 to 100")?;
        }
        Ok(())
    }

    /// Whether logits are penalised or biased before anything is picked.
    #[must_use]
    pub fn adjusts(&self) -> bool {
        self.has_penalties() || !self.logit_bias.is_empty()
    }

    /// Whether ids are drawn among the likeliest alone.
    #[must_use]
    pub fn is_nucleus(&self) -> bool {
        self.temperature > 0.0 && self.top_p < 1.0
    }

    pub(crate) fn has_penalties(&self) -> bool {
        self.presence_penalty != 0.0 || self.frequency_penalty != 0.0 || self.repetition_penalty != 1.0
    }

    /// Applies penalties for the answer so far, then the bias.
    fn adjust(&self, logits: &mut [f32], counts: &BTreeMap<u32, u32>) {
        if self.has_penalties() {
            for (&id, &count) in counts {
                if let Some(logit) = logits.get_mut(id as usize) {
                    *logit = if *logit > 0.0 { *logit / self.repetition_penalty } else { *logit * self.repetition_penalty };
                    *logit -= self.presence_penalty + count as f32 * self.frequency_penalty;
                }
            }
        }
        for &(id, bias) in &self.logit_bias {
            if let Some(logit) = logits.get_mut(id as usize) {
                *logit += bias;
            }
        }
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling {
            temperature: 1.0,
            top_p: 1.0,
            seed: 0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            repetition_penalty: 1.0,
            logit_bias: Vec::new(),
        }
    }
}

/// Scratch for picking tokens, kept between them.
#[derive(Debug, Default)]
pub struct Sampler {
    candidates: Vec<(f32, u32)>,
}

impl Sampler {
    /// Weights below this part of the greatest are looked at only if the others are too few. Most nuclei end long before.
    const CUT: f32 = 1e-4;

    /// Candidates that are sorted first; more only if the nucleus has more.
    const SORTED: usize = 256;

    /// The id for `position`, from the logits of the token before it, which are used up. `counts` says how often the answer has each id.
    /// Nothing where a logit is not a number or all are minus infinity.
    pub fn pick(&mut self, logits: &mut [f32], sampling: &Sampling, counts: &BTreeMap<u32, u32>, position: u32) -> Option<u32> {
        sampling.adjust(logits, counts);
        let (greatest, max) = greatest(logits)?;
        if sampling.temperature == 0.0 {
            return Some(greatest);
        }
        let mut total = 0.0;
        for logit in &mut *logits {
            *logit = ((*logit - max) / sampling.temperature).exp();
            total += f64::from(*logit);
        }
        let fraction = f64::from(draw(sampling.seed, position));
        if sampling.top_p >= 1.0 {
            let weights = logits.iter().copied().zip(0..);
            return Some(walk(weights, fraction * total).unwrap_or(greatest));
        }
        let mass = f64::from(sampling.top_p) * total;
        if !self.collect(logits, Self::CUT, mass) {
            self.collect(logits, 0.0, mass);
        }
        let (kept, total) = self.nucleus(mass);
        Some(walk(self.candidates[..kept].iter().copied(), fraction * total).unwrap_or(greatest))
    }

    /// Gathers the weights of at least `cut`, and says whether they come to `mass`.
    fn collect(&mut self, weights: &[f32], cut: f32, mass: f64) -> bool {
        self.candidates.clear();
        self.candidates.extend(weights.iter().copied().zip(0..).filter(|&(weight, _)| weight >= cut));
        self.candidates.iter().map(|&(weight, _)| f64::from(weight)).sum::<f64>() >= mass
    }

    /// Sorts the candidates until the likeliest come to `mass`: how many, and how much they have.
    fn nucleus(&mut self, mass: f64) -> (usize, f64) {
        let likelier = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        let (mut sorted, mut sum) = (0, 0.0);
        while sorted < self.candidates.len() {
            let end = (sorted * 4).max(Self::SORTED).min(self.candidates.len());
            let rest = &mut self.candidates[sorted..];
            if sorted + rest.len() > end {
                rest.select_nth_unstable_by(end - sorted, likelier);
            }
            rest[..end - sorted].sort_unstable_by(likelier);
            for index in sorted..end {
                sum += f64::from(self.candidates[index].0);
                if sum >= mass {
                    return (index + 1, sum);
                }
            }
            sorted = end;
        }
        (sorted, sum)
    }
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
    let [word, ..] = philox([position, 0, 0, 0], [seed as u32, (seed >> 32) as u32]);
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
mod tests {
    use super::*;

    fn pick(logits: &[f32], sampling: &Sampling, position: u32) -> Option<u32> {
        Sampler::default().pick(&mut logits.to_vec(), sampling, &BTreeMap::new(), position)
    }

    /// How often each id is picked at 20,000 positions.
    fn histogram(logits: &[f32], sampling: &Sampling) -> Vec<f64> {
        let mut counts = vec![0.0; logits.len()];
        let mut sampler = Sampler::default();
        for position in 0..20_000 {
            counts[sampler.pick(&mut logits.to_vec(), sampling, &BTreeMap::new(), position).unwrap() as usize] += 1.0 / 20_000.0;
        }
        counts
    }

    #[test]
    fn philox_gives_the_published_words() {
        // Known answers of the authors' library Random123.
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let logits = [0.4f32, 0.3, 0.2, 0.1].map(f32::ln);
        let near = |found: Vec<f64>, expected: [f64; 4]| {
            for (found, expected) in found.into_iter().zip(expected) {
                // Five standard deviations of 20,000 draws.
                assert!((found - expected).abs() < 0.018, "{found} is not {expected}");
            }
        };
        let sampling = Sampling { seed: 7, ..Sampling::default() };
        near(histogram(&logits, &sampling), [0.4, 0.3, 0.2, 0.1]);
        near(histogram(&logits, &Sampling { top_p: 0.6, ..sampling.clone() }), [4.0 / 7.0, 3.0 / 7.0, 0.0, 0.0]);
        near(histogram(&logits, &Sampling { temperature: 0.5, ..sampling.clone() }), [16.0 / 30.0, 9.0 / 30.0, 4.0 / 30.0, 1.0 / 30.0]);
        near(histogram(&logits, &Sampling { top_p: 0.0, ..sampling }), [1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_nucleus_of_a_flat_distribution_is_found_whole() {
        let logits: Vec<f32> = (0..5000).map(|id| f32::from(id as u16 % 7) * 1e-3).collect();
        let mut sampler = Sampler::default();
        let sampling = Sampling { top_p: 0.5, ..Sampling::default() };
        for position in 0..50 {
            let id = sampler.pick(&mut logits.clone(), &sampling, &BTreeMap::new(), position).unwrap();
            assert!(id % 7 >= 3, "{id} is not among the likelier half");
        }
    }

    #[test]
    fn a_seed_gives_the_same_ids_and_another_gives_others() {
        let logits: Vec<f32> = (0..1000).map(|id| (id as f32).sin()).collect();
        let ids = |seed| (0..32).map(|position| pick(&logits, &Sampling { seed, ..Sampling::default() }, position)).collect::<Vec<_>>();
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
        assert_ne!(ids(1), ids(1 << 32));
    }

    #[test]
    fn greedy_takes_the_first_of_the_greatest() {
        assert_eq!(pick(&[1.0, 3.0, 3.0, f32::NEG_INFINITY], &Sampling::greedy(), 0), Some(1));
        assert_eq!(pick(&[1.0, f32::NAN], &Sampling::greedy(), 0), None);
        assert_eq!(pick(&[1.0, f32::INFINITY], &Sampling::default(), 0), None);
        assert_eq!(pick(&[f32::NEG_INFINITY], &Sampling::default(), 0), None);
    }

    #[test]
    fn penalties_and_bias_change_the_order() {
        let counts = BTreeMap::from([(0, 2), (1, 1), (99, 1)]);
        let best = |sampling: Sampling| Sampler::default().pick(&mut [3.0, 2.5, -1.0], &sampling, &counts, 0).unwrap();
        let greedy = Sampling::greedy();
        assert_eq!(best(greedy.clone()), 0);
        assert_eq!(best(Sampling { frequency_penalty: 0.6, ..greedy.clone() }), 1);
        assert_eq!(best(Sampling { presence_penalty: 2.0, ..greedy.clone() }), 0);
        assert_eq!(best(Sampling { frequency_penalty: 1.0, presence_penalty: 2.0, repetition_penalty: 4.0, ..greedy.clone() }), 2);
        assert_eq!(best(Sampling { logit_bias: vec![(2, 5.0), (500, 100.0)], ..greedy.clone() }), 2);
        assert!(greedy.is_plain_greedy());
        assert!(!Sampling { repetition_penalty: 1.1, ..greedy.clone() }.is_plain_greedy());
        assert!(!Sampling { logit_bias: vec![(1, 1.0)], ..greedy }.is_plain_greedy());
    }

    #[test]
    fn values_out_of_range_are_named() {
        let error = Sampling { top_p: 1.5, ..Sampling::default() }.check().unwrap_err();
        assert_eq!((error.to_string().as_str(), error.code()), ("`top_p` is 1.5, but must be a number from 0 to 1", "RangeError"));
        assert!(Sampling { temperature: f32::NAN, ..Sampling::default() }.check().is_err());
        assert!(Sampling { repetition_penalty: 0.0, ..Sampling::default() }.check().is_err());
        assert!(Sampling { logit_bias: vec![(0, 101.0)], ..Sampling::default() }.check().is_err());
    }
}
