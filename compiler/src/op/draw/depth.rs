//! Depths, their bins, and what they weigh: the arithmetic of the reference, in double precision.

use tegula_plan::DEPTH_ONE;

/// Bits of a depth below its bin.
pub(super) const TOP_SHIFT: u32 = 21;

/// Where the running sum of weights reaches a goal, passing over what weighs nothing.
pub(super) fn find(weights: &[f64], goal: f64) -> usize {
    let mut sum = 0.0;
    let reached = weights.iter().position(|&weight| {
        sum += weight;
        weight > 0.0 && sum >= goal
    });
    reached.or_else(|| weights.iter().rposition(|&weight| weight > 0.0)).unwrap_or(0)
}

pub(super) fn weight(depth: u32) -> f64 {
    (-f64::from(depth) / f64::from(DEPTH_ONE)).exp()
}

/// What depths and ids weigh together.
pub(super) fn mass(ids: &[(u32, u32)]) -> f64 {
    ids.iter().map(|&(depth, _)| weight(depth)).sum()
}

pub(super) fn bin_of((depth, _): (u32, u32)) -> usize {
    (depth >> TOP_SHIFT) as usize
}

/// The weight at the upper end of a bin.
pub(super) fn top_weight(bin: usize) -> f64 {
    (-0.125 * bin as f64).exp()
}
