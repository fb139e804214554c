//! How near the keys of two specs are, such as `matmul q4f16 n=28672 k=4096 norm silu_mul one`.

/// How far two keys are apart that differ in `n` and `k` at most: the sum of how often each doubles. `None` where they differ in more, or by
/// more than a factor of two in either.
#[must_use]
pub fn distance(one: &str, other: &str) -> Option<f64> {
    let (mut words, mut others) = (one.split(' '), other.split(' '));
    let mut sum = 0.0;
    loop {
        match (words.next(), others.next()) {
            (None, None) => return Some(sum),
            (Some(word), Some(other)) if word == other => {}
            (Some(word), Some(other)) => {
                let doublings = (size(word, other)? / size(other, word)?).log2().abs();
                if doublings > 1.0 {
                    return None;
                }
                sum += doublings;
            }
            _ => return None,
        }
    }
}

/// The number of a word such as `n=4096`, where `other` is of the same kind.
fn size(word: &str, other: &str) -> Option<f64> {
    let (name, number) = word.split_once('=')?;
    let same = other.split_once('=')?.0 == name && matches!(name, "n" | "k");
    let number: u32 = number.parse().ok().filter(|number| same && *number > 0)?;
    Some(number.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn near_shapes_are_within_a_factor_of_two() {
        let key = |n: u32, k: u32| format!("matmul q4f16 n={n} k={k} plain residual one");
        assert_eq!(distance(&key(64, 64), &key(64, 64)), Some(0.0));
        assert_eq!(distance(&key(64, 64), &key(128, 32)), Some(2.0));
        assert_eq!(distance(&key(64, 64), &key(129, 64)), None);
        assert_eq!(distance(&key(64, 64), &key(64, 31)), None);
        assert_eq!(distance("attention 4/2x8:f16 one", "attention 4/2x8:f16 window=8 one"), None);
        assert_eq!(distance("argmax_parts vocab=8 one", "argmax_parts vocab=9 one"), None);
        assert_eq!(distance("embed f16 n=8 k=4 dim=4", "embed f16 n=x k=4 dim=4"), None);
    }
}
