//! Memory: where activations lie, and what a plan will take.
//!
//! Each entry runs alone, so all entries use the same memory for their activations. Within an entry, activations whose lives do not overlap
//! share bytes. WebGPU adds a rule: no buffer may be bound for reading and for writing in the same dispatch, not even in parts. So there
//! are a few arenas, each a buffer of its own. A dispatch reads from other arenas than it writes to.

use std::collections::BTreeMap;
use std::fmt;
use tegula_plan::{Buffer, Param, Plan, SAMPLING_WORDS};

/// Alignment of bindings on every device.
const ALIGNMENT: u64 = 256;

/// The largest buffer that every WebGPU device can make.
const MAX_ARENA: u64 = 256 << 20;

/// What a dispatch does to an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Touch {
    /// Which dispatch, in order.
    pub dispatch: usize,
    /// Whether it writes.
    pub writes: bool,
}

/// An activation of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Activation {
    /// Bytes.
    pub bytes: u64,
    /// All that happens to it, in order.
    pub touches: Vec<Touch>,
}

impl Activation {
    /// Whether there is a moment at which both are needed.
    fn overlaps(&self, other: &Activation) -> bool {
        let life = |activation: &Activation| Some((activation.touches.first()?.dispatch, activation.touches.last()?.dispatch));
        match (life(self), life(other)) {
            (Some(a), Some(b)) => a.0 <= b.1 && b.0 <= a.1,
            _ => false,
        }
    }

    /// Whether a dispatch reads the one and writes the other.
    fn collides(&self, other: &Activation) -> bool {
        self.overlaps(other) && self.touches.iter().any(|a| other.touches.iter().any(|b| a.dispatch == b.dispatch && a.writes != b.writes))
    }
}

/// Where an activation lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which arena.
    pub arena: u32,
    /// First byte.
    pub offset: u64,
}

/// Places the activations of an entry: the largest first, each where it makes an arena grow least.
pub(crate) fn place(activations: &[Activation]) -> Vec<Place> {
    let mut order: Vec<usize> = (0..activations.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(activations[index].bytes));
    let mut placed: Vec<(usize, Place)> = Vec::new();
    for index in order {
        let activation = &activations[index];
        let arenas = placed.iter().map(|(_, place)| place.arena + 1).max().unwrap_or(0);
        let best = (0..=arenas)
            .filter_map(|arena| {
                let inside: Vec<_> = placed.iter().filter(|(_, place)| place.arena == arena).collect();
                if inside.iter().any(|&&(other, _)| activation.collides(&activations[other])) {
                    return None;
                }
                let end_of = |&&(other, place): &&(usize, Place)| (place.offset + activations[other].bytes).next_multiple_of(ALIGNMENT);
                let size = inside.iter().map(end_of).max().unwrap_or(0);
                let mut taken: Vec<_> = inside.iter().filter(|&&&(other, _)| activation.overlaps(&activations[other])).collect();
                taken.sort_by_key(|&&&(_, place)| place.offset);
                let mut offset = 0;
                for other in taken {
                    if offset + activation.bytes <= other.1.offset {
                        break;
                    }
                    offset = offset.max(end_of(other));
                }
                let end = (offset + activation.bytes).next_multiple_of(ALIGNMENT);
                // A new arena has room for anything: no activation exceeds a binding.
                (end <= MAX_ARENA).then_some((end.saturating_sub(size), Place { arena, offset }))
            })
            .min_by_key(|&(growth, place)| (growth, place.arena));
        let (_, place) = best.expect("an arena without tenants refuses nobody");
        placed.push((index, place));
    }
    placed.sort_by_key(|&(index, _)| index);
    placed.into_iter().map(|(_, place)| place).collect()
}

/// Bytes of GPU memory that a plan takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Weights and vectors.
    pub weights: u64,
    /// Keys and values of one token, in all layers.
    pub cache_per_token: u64,
    /// Everything else that a step needs: activation arenas, logits, rows, segments, page table, sampled ids.
    pub activations: u64,
}

impl MemoryPlan {
    /// Adds up what a plan binds.
    #[must_use]
    pub fn of(plan: &Plan) -> MemoryPlan {
        let model = &plan.model;
        let mut arenas = BTreeMap::<u32, u64>::new();
        let (mut weights, mut activations) = (0, 0);
        let most_rows = plan.variants.iter().flat_map(|variant| &variant.entries).map(|entry| entry.max_rows).max().unwrap_or(0);
        for buffer in &plan.buffers {
            match *buffer {
                Buffer::Weight(param) => weights += plan.params.get(param as usize).map_or(0, Param::bytes).next_multiple_of(16),
                Buffer::Vectors => {
                    weights +=
                        plan.vectors.iter().map(|vector| 4 * (u64::from(vector.offset) + u64::from(vector.length))).max().unwrap_or(0);
                }
                Buffer::Cache(_) => {}
                Buffer::Rows(_) => activations += 16 * u64::from(most_rows),
                Buffer::PageTable(_) => activations += 4 * u64::from(model.max_batch_size) * u64::from(model.pages_per_sequence()),
                Buffer::Activation { arena, offset, bytes } => {
                    let size = arenas.entry(arena).or_default();
                    *size = (*size).max(offset + bytes);
                }
                Buffer::Logits { rows } => activations += 4 * u64::from(rows) * u64::from(model.vocab_size),
                Buffer::Segments => activations += 4 * (1 + u64::from(model.max_batch_size)),
                Buffer::Sampled => activations += 4 * u64::from(model.max_batch_size),
                Buffer::Stretched => activations += 4 * u64::from(model.max_batch_size),
                Buffer::Sampling => activations += 4 * SAMPLING_WORDS as u64 * u64::from(model.max_batch_size),
                Buffer::Tokens => activations += 8 * u64::from(model.max_batch_size) * u64::from(model.vocab_size),
            }
        }
        activations += arenas.values().sum::<u64>();
        MemoryPlan { weights, cache_per_token: model.cache_bytes_per_token(), activations }
    }
}

impl fmt::Display for MemoryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MemoryPlan { weights, cache_per_token, activations } = self;
        write!(f, "weights {weights} bytes, KV cache {cache_per_token} bytes a token, activations {activations} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::{Activation, Place, Touch, place};

    /// `w0` writes in dispatch 0, `r1` reads in dispatch 1.
    fn activation(bytes: u64, touches: &str) -> Activation {
        let touch = |word: &str| Touch { dispatch: word[1..].parse().unwrap(), writes: word.starts_with('w') };
        Activation { bytes, touches: touches.split(' ').map(touch).collect() }
    }

    fn check(activations: &[Activation], expected: &[(u32, u64)]) {
        let expected: Vec<_> = expected.iter().map(|&(arena, offset)| Place { arena, offset }).collect();
        assert_eq!(place(activations), expected);
    }

    #[test]
    fn lives_that_do_not_overlap_share_bytes() {
        check(&[activation(100, "w0 r1"), activation(300, "w2 r3")], &[(0, 0), (0, 0)]);
    }

    #[test]
    fn lives_that_overlap_lie_side_by_side_on_aligned_offsets() {
        check(&[activation(100, "w0 r2"), activation(300, "w0 r3")], &[(0, 512), (0, 0)]);
    }

    #[test]
    fn a_gap_is_filled() {
        let all = [activation(1024, "w0 r1"), activation(768, "w0 r5"), activation(512, "w3 r4"), activation(512, "w3 r4")];
        check(&all, &[(0, 0), (0, 1024), (0, 0), (0, 512)]);
    }

    #[test]
    fn no_dispatch_reads_and_writes_one_arena() {
        // The residual stream, queries, attention's output and the activations of the feed-forward layer.
        let stream = activation(64, "w0 r1 w3 r4 w5");
        let all = [stream, activation(64, "w1 r2"), activation(64, "w2 r3"), activation(128, "w4 r5")];
        let places = place(&all);
        for (a, first) in all.iter().zip(&places) {
            for (b, second) in all.iter().zip(&places) {
                assert!(first.arena != second.arena || !a.collides(b), "{places:?}");
            }
        }
        assert_eq!(places.iter().map(|place| place.arena).max(), Some(2));
    }

    #[test]
    fn arenas_stay_within_the_buffer_limit() {
        let bytes = 128 << 20;
        check(&[activation(bytes, "w0 r9"), activation(bytes, "w0 r9"), activation(bytes, "w0 r9")], &[(0, 0), (0, bytes), (1, 0)]);
    }
}
