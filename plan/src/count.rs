//! Numbers of things in messages, which every crate writes.

use std::fmt::Display;

/// A number of things in words: `1 shard`, `2 shards`, `3 dispatches`.
#[must_use]
pub fn count<N: Display + PartialEq + From<u8>>(number: N, thing: &str) -> String {
    let ending = if number == N::from(1) {
        ""
    } else if ["s", "x", "ch", "sh"].iter().any(|end| thing.ends_with(end)) {
        "es"
    } else {
        "s"
    };
    format!("{number} {thing}{ending}")
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn one_thing_is_no_plural() {
        assert_eq!([0u64, 1, 2].map(|number| count(number, "shard")), ["0 shards", "1 shard", "2 shards"]);
        assert_eq!([1usize, 3].map(|number| count(number, "dispatch")), ["1 dispatch", "3 dispatches"]);
        assert_eq!([1u32, 300].map(|number| count(number, "byte")), ["1 byte", "300 bytes"]);
    }
}
