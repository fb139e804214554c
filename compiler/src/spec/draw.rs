//! Drawing ids from logits, in four kernels: what each does, where its intermediate results lie, and its reference.
//!
//! The order of likelihood is that of *depths*: how far a logit is below the greatest, over the temperature, in steps of 2^-24. The weight of
//! an id is `exp(-depth)`. Where only the likeliest ids can be drawn, weights are summed in bins of an eighth, so that all but two or so bins
//! are done with before anything is put in order.

use super::reference::{Launch, Operands, Words, rows, set};
use super::{Draw, DrawStage};
use tegula_plan::{SAMPLING_MEMBERS, SAMPLING_WORDS};

/// Parts that a row of logits is cut into: a power of two, so that a workgroup divides by it, and few where there are few logits.
#[must_use]
pub fn draw_parts(vocab: u32) -> u32 {
    vocab.div_ceil(SHARE).next_power_of_two().clamp(1, MAX_PARTS)
}

/// Logits of a part, where there are not too many.
const SHARE: u32 = 2048;

/// The most parts.
const MAX_PARTS: u32 = 64;

/// Bins of a histogram, and invocations of a workgroup.
pub const DRAW_BINS: u32 = 256;

/// Words that each part of a row has for itself: its greatest logit in order, that one's id, its sum of weights, how much it gathered.
const HEAD: usize = 4;

/// Depths of one.
const DEPTH_ONE: f64 = 16_777_216.0;

/// Bits of a depth below its bin.
const TOP_SHIFT: u32 = 21;

/// What is no id.
const NONE: u32 = u32::MAX;

/// Where things lie in the scratch of a row, in words.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    vocab: usize,
    parts: usize,
    bins: usize,
    /// The edge of the nucleus, and the bins that a draw can fall in.
    bounds: usize,
    histogram: usize,
    gathered: usize,
    /// Words of what a part can gather.
    segment: usize,
    /// Words of a row.
    pub(super) stride: usize,
}

impl Layout {
    pub(super) fn of(vocab: u32) -> Layout {
        let (vocab, parts, bins) = (vocab as usize, draw_parts(vocab) as usize, DRAW_BINS as usize);
        let (bounds, segment) = (HEAD * parts, 2 * bins * vocab.div_ceil(parts * bins));
        let histogram = bounds + 4;
        let gathered = histogram + parts * bins;
        Layout { vocab, parts, bins, bounds, histogram, gathered, segment, stride: gathered + parts * segment }
    }

    fn share(self) -> usize {
        self.vocab.div_ceil(self.parts)
    }

    /// Ids of a part that can be drawn.
    fn ids(self, part: usize, active: usize) -> std::ops::Range<usize> {
        let end = self.vocab.min(active);
        (part * self.share()).min(end)..((part + 1) * self.share()).min(end)
    }

    /// In what units weights are summed.
    fn unit(self) -> f64 {
        f64::from(0x8000_0000 / self.share() as u32)
    }
}

/// Words of scratch that a row takes.
#[must_use]
pub fn scratch_words(vocab: u32) -> u64 {
    Layout::of(vocab).stride as u64
}

/// How a sequence is drawn for.
struct How<'a>(&'a [u32]);

impl How<'_> {
    fn word(&self, name: &str) -> u32 {
        self.0[SAMPLING_MEMBERS.iter().position(|member| *member == name).expect("callers name members")]
    }

    fn float(&self, name: &str) -> f64 {
        f64::from(f32::from_bits(self.word(name)))
    }
}

/// A row while it is drawn for.
struct Row<'a> {
    layout: Layout,
    how: How<'a>,
    logits: &'a mut [u32],
    tokens: &'a mut [u32],
    scratch: &'a mut [u32],
    position: u32,
}

pub(super) fn draw(spec: &Draw, launch: &Launch, operands: &mut Operands) {
    let layout = Layout::of(spec.vocab);
    let [mut logits, mut tokens, mut scratch, mut sampled] = ["logits", "tokens", "scratch", "sampled"].map(|name| operands.take(name));
    for (y, at) in rows(spec.rows, launch).enumerate() {
        let (position, sequence) = (operands.read("rows").word(4 * at + 1), operands.read("rows").word(4 * at + 3) as usize);
        let mut row = Row {
            layout,
            how: How(&operands.buffers["sampling"][SAMPLING_WORDS * sequence..][..SAMPLING_WORDS]),
            logits: &mut logits[layout.vocab * y..][..layout.vocab],
            tokens: &mut tokens[2 * layout.vocab * sequence..][..2 * layout.vocab],
            scratch: &mut scratch[layout.stride * y..][..layout.stride],
            position,
        };
        if row.how.word("drawn") == 0 {
            continue;
        }
        match spec.stage {
            DrawStage::Adjust => row.adjust(),
            DrawStage::Weigh if row.how.float("temperature") > 0.0 => row.weigh(),
            DrawStage::Gather if row.how.float("temperature") > 0.0 && row.is_nucleus() => row.gather(),
            DrawStage::Weigh | DrawStage::Gather => {}
            DrawStage::Pick => sampled[sequence] = row.pick(),
        }
    }
    for (name, words) in [("logits", logits), ("tokens", tokens), ("scratch", scratch), ("sampled", sampled)] {
        operands.give(name, words);
    }
}

impl Row<'_> {
    fn is_nucleus(&self) -> bool {
        self.how.float("top_p") < 1.0
    }

    fn logit(&self, id: usize) -> f64 {
        Words(self.logits).float(id)
    }

    fn adjust(&mut self) {
        for part in 0..self.layout.parts {
            let mut best = (0, NONE);
            for id in self.layout.ids(part, self.how.word("ids") as usize) {
                if self.how.word("adjusts") != 0 {
                    let (count, bias, repetition) =
                        (self.tokens[2 * id], Words(self.tokens).float(2 * id + 1), self.how.float("repetition"));
                    let mut logit = self.logit(id);
                    if count > 0 {
                        logit = if logit > 0.0 { logit / repetition } else { logit * repetition };
                        logit -= self.how.float("presence") + f64::from(count) * self.how.float("frequency");
                    }
                    set(self.logits, id, logit + bias);
                }
                let order = order_of(self.logits[id]);
                if order > best.0 {
                    best = (order, id as u32);
                }
            }
            (self.scratch[HEAD * part], self.scratch[HEAD * part + 1]) = best;
        }
    }

    /// The greatest logit in order, and its id.
    fn greatest(&self) -> (u32, u32) {
        let parts = self.scratch[..HEAD * self.layout.parts].chunks(HEAD);
        parts.map(|head| (head[0], head[1])).reduce(|best, next| if next.0 > best.0 { next } else { best }).expect("there are parts")
    }

    /// Depths of ids that weigh something.
    fn depth(&self, id: usize) -> Option<u32> {
        let depth = (f64::from(logit_of(self.greatest().0)) - self.logit(id)) / self.how.float("temperature");
        (depth < 32.0).then_some((depth * DEPTH_ONE) as u32)
    }

    fn weigh(&mut self) {
        for part in 0..self.layout.parts {
            let mut sum = 0.0;
            let mut bins = vec![0; self.layout.bins];
            for depth in self.layout.ids(part, self.how.word("ids") as usize).filter_map(|id| self.depth(id)) {
                sum += weight(depth);
                let bin = (depth >> TOP_SHIFT) as usize;
                bins[bin] += (weight(depth) / top_weight(bin) * self.layout.unit()).round() as u32;
            }
            if self.is_nucleus() {
                self.scratch[self.layout.histogram + part * self.layout.bins..][..self.layout.bins].copy_from_slice(&bins);
            } else {
                set(self.scratch, HEAD * part + 2, sum);
            }
        }
    }

    /// The weight of every bin.
    fn bins(&self) -> Vec<f64> {
        let Layout { histogram, parts, bins, .. } = self.layout;
        let units = |bin: usize| (0..parts).map(|part| f64::from(self.scratch[histogram + part * bins + bin])).sum::<f64>();
        (0..bins).map(|bin| units(bin) / self.layout.unit() * top_weight(bin)).collect()
    }

    fn fraction(&self) -> f64 {
        fraction(self.position + 1, [self.how.word("seed"), self.how.word("seed_high")])
    }

    fn gather(&mut self) {
        let Layout { vocab, parts, bins: turn, .. } = self.layout;
        let bins = self.bins();
        let total: f64 = bins.iter().sum();
        let mass = self.how.float("top_p") * total;
        let edge = find(&bins, mass);
        let most: f64 = bins[..=edge].iter().sum();
        let (low, high) = (find(&bins, self.fraction() * mass), find(&bins, self.fraction() * most));
        self.scratch[self.layout.bounds..][..3].copy_from_slice(&[edge, low, high].map(|bin| bin as u32));
        for part in 0..parts {
            let mut count = 0;
            for id in (part * turn..vocab.min(self.how.word("ids") as usize)).filter(|id| id / turn % parts == part) {
                let Some(depth) = self.depth(id) else { continue };
                let bin = (depth >> TOP_SHIFT) as usize;
                if bin == edge || (low..=high).contains(&bin) {
                    let place = self.layout.gathered + part * self.layout.segment + 2 * count;
                    self.scratch[place..][..2].copy_from_slice(&[depth, id as u32]);
                    count += 1;
                }
            }
            self.scratch[HEAD * part + 3] = count as u32;
        }
    }

    /// What was gathered from a bin, the likeliest first.
    fn gathered(&self, bin: usize) -> Vec<(u32, u32)> {
        let parts = (0..self.layout.parts).flat_map(|part| {
            let place = self.layout.gathered + part * self.layout.segment;
            self.scratch[place..][..2 * self.scratch[HEAD * part + 3] as usize].chunks(2)
        });
        let mut all: Vec<_> = parts.map(|pair| (pair[0], pair[1])).filter(|(depth, _)| (depth >> TOP_SHIFT) as usize == bin).collect();
        all.sort_unstable();
        all
    }

    fn pick(&mut self) -> u32 {
        let (order, greatest) = self.greatest();
        let id = if !logit_of(order).is_finite() {
            NONE
        } else if self.how.float("temperature") == 0.0 {
            greatest
        } else if self.is_nucleus() {
            self.draw_from_nucleus()
        } else {
            self.walk()
        };
        if self.how.word("adjusts") != 0 && (id as usize) < self.layout.vocab {
            self.tokens[2 * id as usize] += 1;
        }
        id
    }

    fn walk(&self) -> u32 {
        let parts: Vec<f64> = (0..self.layout.parts).map(|part| Words(self.scratch).float(HEAD * part + 2)).collect();
        let goal = self.fraction() * parts.iter().sum::<f64>();
        let part = find(&parts, goal);
        let ids = self.layout.ids(part, self.how.word("ids") as usize);
        let weights: Vec<f64> = ids.clone().map(|id| self.depth(id).map_or(0.0, weight)).collect();
        (ids.start + find(&weights, goal - parts[..part].iter().sum::<f64>())) as u32
    }

    fn draw_from_nucleus(&self) -> u32 {
        let bins = self.bins();
        // Places among those of a bin, and the weight up to and with them.
        let within = |bin: usize, goal: f64| {
            let ids = self.gathered(bin);
            let weights: Vec<f64> = ids.iter().map(|&(depth, _)| weight(depth)).collect();
            let before: f64 = bins[..bin].iter().sum();
            let index = find(&weights, goal - before);
            (ids[index].1, before + weights[..=index].iter().sum::<f64>())
        };
        let mass = self.how.float("top_p") * bins.iter().sum::<f64>();
        let (_, kept) = within(self.scratch[self.layout.bounds] as usize, mass);
        let goal = self.fraction() * kept;
        within(find(&bins, goal), goal).0
    }
}

/// Where the running sum of weights reaches a goal, passing over what weighs nothing.
fn find(weights: &[f64], goal: f64) -> usize {
    let mut sum = 0.0;
    let reached = weights.iter().position(|&weight| {
        sum += weight;
        weight > 0.0 && sum >= goal
    });
    reached.or_else(|| weights.iter().rposition(|&weight| weight > 0.0)).unwrap_or(0)
}

fn weight(depth: u32) -> f64 {
    (-f64::from(depth) / DEPTH_ONE).exp()
}

/// The weight at the upper end of a bin.
fn top_weight(bin: usize) -> f64 {
    (-0.125 * bin as f64).exp()
}

/// The bits of a float as an integer in the order of the numbers; what is not a number comes last.
fn order_of(bits: u32) -> u32 {
    match bits {
        _ if f32::from_bits(bits).is_nan() => u32::MAX,
        0x8000_0000.. if bits > 0x8000_0000 => !bits,
        _ => bits | 0x8000_0000,
    }
}

fn logit_of(order: u32) -> f32 {
    f32::from_bits(if order >> 31 == 1 { order & 0x7fff_ffff } else { !order })
}

/// Word 0 of Philox4x32-10, of which the upper 24 bits are a fraction.
fn fraction(position: u32, mut key: [u32; 2]) -> f64 {
    let mut counter = [position, 0, 0, 0];
    for _ in 0..10 {
        let [a, b] = [(0xd251_1f53, counter[0]), (0xcd9e_8d57, counter[2])].map(|(factor, word)| u64::from(word) * factor);
        counter = [(b >> 32) as u32 ^ counter[1] ^ key[0], b as u32, (a >> 32) as u32 ^ counter[3] ^ key[1], a as u32];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    f64::from(counter[0] >> 8) / DEPTH_ONE
}

/// Compares scratch: sums within rounding, and what was gathered in any order.
pub(super) fn compare_scratch(spec: &Draw, found: &[u32], expected: &[u32]) -> Result<(), String> {
    let layout = Layout::of(spec.vocab);
    let near = |found: f64, expected: f64| (found - expected).abs() <= 2.0 + expected * 2e-5;
    for (row, (found, expected)) in found.chunks(layout.stride).zip(expected.chunks(layout.stride)).enumerate() {
        for at in 0..layout.gathered {
            let agrees = match at {
                at if at < layout.bounds && at % HEAD == 2 => {
                    let (found, expected) = (Words(found).float(at), Words(expected).float(at));
                    found == expected || (found - expected).abs() <= expected * 2e-5
                }
                at if at >= layout.histogram => near(found[at].into(), expected[at].into()),
                at => found[at] == expected[at],
            };
            if !agrees {
                return Err(format!("`scratch` of row {row} at {at} is {:#x}, not {:#x}", found[at], expected[at]));
            }
        }
        for part in 0..layout.parts {
            let pairs = |words: &[u32]| {
                let count = (expected[HEAD * part + 3] as usize).min(layout.segment / 2);
                let pairs = &words[layout.gathered + part * layout.segment..][..2 * count];
                let mut pairs: Vec<_> = pairs.chunks(2).map(|pair| (pair[1], pair[0])).collect();
                pairs.sort_unstable();
                pairs
            };
            if pairs(found) != pairs(expected) {
                return Err(format!("part {part} of row {row} has gathered {:?}, not {:?}", pairs(found), pairs(expected)));
            }
        }
    }
    Ok(())
}
