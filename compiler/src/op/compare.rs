//! When a kernel's result counts as equal to that of the reference.

use super::Spec;

/// What a buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Single precision.
    F32,
    /// Half precision, two a word.
    F16,
    /// Words that must be equal.
    Exact,
}

/// Compares what a kernel wrote to the buffer `name` with what the reference wrote. `computed_half`: it computes in half precision.
///
/// # Errors
/// How many elements differ by more than arithmetic of the buffer's precision explains, and the first of them.
pub fn compare(spec: &Spec, computed_half: bool, name: &str, found: &[u32], expected: &[u32]) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("`{name}` has {} words, not {}", found.len(), expected.len()));
    }
    spec.compare(computed_half, name, found, expected)
}

/// The rule for buffers of numbers.
pub(super) fn floats(holds: Holds, computed_half: bool, name: &str, found: &[u32], expected: &[u32]) -> Result<(), String> {
    if holds == Holds::Exact {
        return if found == expected { Ok(()) } else { Err(format!("`{name}` is {found:?}, not {expected:?}")) };
    }
    let half = holds == Holds::F16;
    let floats = |words: &[u32]| -> Vec<f32> {
        if half {
            words.iter().flat_map(|word| [*word as u16, (word >> 16) as u16]).map(|bits| half::f16::from_bits(bits).to_f32()).collect()
        } else {
            words.iter().map(|word| f32::from_bits(*word)).collect()
        }
    };
    let (found, expected) = (floats(found), floats(expected));
    let magnitude = expected.iter().filter(|x| x.abs() < 1e30).fold(0f32, |most, x| most.max(x.abs()));
    // Half precision keeps 11 bits. Single keeps 24; sums over a few hundred elements and exponentials lose some of them.
    // Factors rounded to half precision, and short sums made in it, put a sum off by a few units of its eleventh bit.
    let tolerance = magnitude
        * if computed_half {
            1.0 / 512.0
        } else if half {
            1.0 / 1024.0
        } else {
            2e-5
        };
    let wrong = |i: &usize| {
        let difference = (found[*i] - expected[*i]).abs();
        found[*i] != expected[*i] && (difference.is_nan() || difference > tolerance)
    };
    let bad: Vec<usize> = (0..found.len()).filter(wrong).collect();
    match bad.first() {
        None => Ok(()),
        Some(i) => {
            Err(format!("{} of {} elements of `{name}` differ: [{i}] is {}, not {}", bad.len(), found.len(), found[*i], expected[*i]))
        }
    }
}
