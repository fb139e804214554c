//! The reference of drawing: what each of its kernels leaves for the next.

use super::depth::{TOP_SHIFT, bin_of, find, mass, top_weight, weight};
use super::scratch::{HEAD, Layout};
use super::{Draw, DrawStage};
use crate::operand::{Launch, Operands, Words, set};
use tegula_plan::{DEEPEST, DEPTH_ONE, SAMPLING_MEMBERS, SAMPLING_WORDS};

/// What is no id.
const NONE: u32 = u32::MAX;

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

pub(super) fn run(spec: &Draw, launch: &Launch, operands: &mut Operands) {
    let layout = Layout::of(spec.vocab);
    let [mut logits, mut tokens, mut scratch, mut sampled] = ["logits", "tokens", "scratch", "sampled"].map(|name| operands.take(name));
    for (y, at) in spec.rows.of(launch).enumerate() {
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
        self.how.float("top_p") < 1.0 || self.how.word("top_k") > 0
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
        (depth < 32.0).then_some((depth * f64::from(DEPTH_ONE)) as u32)
    }

    /// The weight of an id where no order is asked for.
    fn allowed(&self, id: usize) -> f64 {
        self.depth(id).filter(|depth| *depth <= self.how.word("deepest")).map_or(0.0, weight)
    }

    fn weigh(&mut self) {
        let Layout { bins: all, histogram, tally, .. } = self.layout;
        for part in 0..self.layout.parts {
            let ids = self.layout.ids(part, self.how.word("ids") as usize);
            let sum: f64 = ids.clone().map(|id| self.allowed(id)).sum();
            let (mut bins, mut counts) = (vec![0; all], vec![0; all]);
            for depth in ids.filter_map(|id| self.depth(id)) {
                let bin = (depth >> TOP_SHIFT) as usize;
                bins[bin] += (weight(depth) / top_weight(bin) * self.layout.unit()).round() as u32;
                counts[bin] += 1;
            }
            if self.is_nucleus() {
                self.scratch[histogram + part * all..][..all].copy_from_slice(&bins);
                if self.how.word("top_k") > 0 {
                    self.scratch[tally + part * all..][..all].copy_from_slice(&counts);
                }
            } else {
                set(self.scratch, HEAD * part + 2, sum);
            }
        }
    }

    /// Sums over the parts of what they have of each bin.
    fn over_parts(&self, histogram: usize) -> Vec<f64> {
        let Layout { parts, bins, .. } = self.layout;
        (0..bins).map(|bin| (0..parts).map(|part| f64::from(self.scratch[histogram + part * bins + bin])).sum()).collect()
    }

    /// The weight of every bin.
    fn bins(&self) -> Vec<f64> {
        let units = self.over_parts(self.layout.histogram).into_iter().enumerate();
        units.map(|(bin, units)| units / self.layout.unit() * top_weight(bin)).collect()
    }

    fn fraction(&self) -> f64 {
        fraction(self.position + 1, [self.how.word("seed"), self.how.word("seed_high")])
    }

    fn gather(&mut self) {
        let Layout { vocab, parts, bins: turn, .. } = self.layout;
        let bins = self.bins();
        let (top_k, top_p, deepest) = (self.how.word("top_k"), self.how.float("top_p"), self.how.word("deepest"));
        let before = |bin: usize| bins[..bin].iter().sum::<f64>();
        let (mut last, mut rank, mut least, mut most) = (turn, 0, before(turn), before(turn));
        if top_k > 0 {
            let counts = self.over_parts(self.layout.tally);
            last = find(&counts, top_k.into());
            rank = top_k - counts[..last].iter().sum::<f64>() as u32;
            (least, most) = (before(last), before(last + 1));
        }
        let edges = if top_p < 1.0 { [top_p * least, top_p * most].map(|mass| find(&bins, mass)) } else { [last; 2] };
        let limit = edges[1].min((deepest >> TOP_SHIFT) as usize);
        least *= top_p;
        if deepest < DEEPEST {
            least = least.min(before(limit));
        }
        let (low, high) = (find(&bins, self.fraction() * least), find(&bins, self.fraction() * before(limit + 1)));
        let bounds = [edges[0], edges[1], low, high, last].map(|bin| bin as u32);
        self.scratch[self.layout.bounds..][..5].copy_from_slice(&bounds);
        self.scratch[self.layout.bounds + 5] = rank;
        let wanted = |bin| (edges[0]..=edges[1]).contains(&bin) || (low..=high).contains(&bin) || bin == limit || bin == last;
        for part in 0..parts {
            let mut count = 0;
            for id in (part * turn..vocab.min(self.how.word("ids") as usize)).filter(|id| id / turn % parts == part) {
                let Some(depth) = self.depth(id) else { continue };
                let bin = (depth >> TOP_SHIFT) as usize;
                if wanted(bin) {
                    let place = self.layout.gathered + part * self.layout.segment + 2 * count;
                    self.scratch[place..][..2].copy_from_slice(&[depth, id as u32]);
                    count += 1;
                }
            }
            self.scratch[HEAD * part + 3] = count as u32;
        }
    }

    /// What was gathered from a bin, the likeliest first, up to a depth and id.
    fn gathered(&self, bin: usize, end: (u32, u32)) -> Vec<(u32, u32)> {
        let parts = (0..self.layout.parts).flat_map(|part| {
            let place = self.layout.gathered + part * self.layout.segment;
            self.scratch[place..][..2 * self.scratch[HEAD * part + 3] as usize].chunks(2)
        });
        let mut all: Vec<_> = parts.map(|pair| (pair[0], pair[1])).filter(|pair| bin_of(*pair) == bin && *pair <= end).collect();
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
        let weights: Vec<f64> = ids.clone().map(|id| self.allowed(id)).collect();
        (ids.start + find(&weights, goal - parts[..part].iter().sum::<f64>())) as u32
    }

    fn draw_from_nucleus(&self) -> u32 {
        let mut bins = self.bins();
        let before = |bins: &[f64], bin: usize| bins[..bin].iter().sum::<f64>();
        let (last, rank) = (self.scratch[self.layout.bounds + 4] as usize, self.scratch[self.layout.bounds + 5] as usize);
        // The end of what can be drawn.
        let mut end = (DEEPEST, NONE);
        let mut sum = before(&bins, bins.len());
        if self.how.word("top_k") > 0 {
            let ids = self.gathered(last, end);
            let kept = &ids[..rank.min(ids.len())];
            (end, sum) = (kept[kept.len() - 1], before(&bins, last) + mass(kept));
        }
        if self.how.float("top_p") < 1.0 {
            let goal = self.how.float("top_p") * sum;
            let edge = find(&bins, goal);
            end = self.within(edge, end, goal - before(&bins, edge));
        }
        end = end.min((self.how.word("deepest"), NONE));
        bins[bin_of(end)] = mass(&self.gathered(bin_of(end), end));
        bins.truncate(bin_of(end) + 1);
        let goal = self.fraction() * before(&bins, bins.len());
        let bin = find(&bins, goal);
        self.within(bin, end, goal - before(&bins, bin)).1
    }

    /// Where those of a bin, up to an end, come to a goal.
    fn within(&self, bin: usize, end: (u32, u32), goal: f64) -> (u32, u32) {
        let ids = self.gathered(bin, end);
        let weights: Vec<f64> = ids.iter().map(|&(depth, _)| weight(depth)).collect();
        ids[find(&weights, goal)]
    }
}

/// The bits of a float as an integer in the order of the numbers; what is not a number comes last.
pub(crate) fn order_of(bits: u32) -> u32 {
    match bits {
        _ if f32::from_bits(bits).is_nan() => u32::MAX,
        0x8000_0000.. if bits > 0x8000_0000 => !bits,
        _ => bits | 0x8000_0000,
    }
}

pub(crate) fn logit_of(order: u32) -> f32 {
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
    f64::from(counter[0] >> 8) / f64::from(1 << 24)
}
