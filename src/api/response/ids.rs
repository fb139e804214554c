//! Ids of answers and calls.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock;

/// A number that no other answer has, as far as clocks and a counter can make one: two engines of a
/// page run in workers of their own, which share no counter.
pub(super) fn unique() -> u128 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let (wall, own) = (clock::unix_seconds().to_bits(), clock::seconds().to_bits());
    let half = |seed: u64| mixed(mixed(seed ^ wall).wrapping_add(own)).wrapping_add(count);
    u128::from(mixed(half(1))) << 64 | u128::from(mixed(half(2)))
}

/// A number that differs between answers.
pub(super) fn seed(id: &str, place: usize) -> u64 {
    id.bytes().fold(place as u64, |seed, byte| mixed(seed ^ u64::from(byte)))
}

/// SplitMix64: each bit of the result depends on all of the argument.
pub(super) fn mixed(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}
