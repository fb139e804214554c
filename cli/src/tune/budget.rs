//! Whether a search had enough time, and how much would have been enough.

use std::time::Duration;

use crate::report;

/// What a search with a budget did not get to.
#[derive(Default)]
pub struct Budget {
    /// For each spec that had too little time, the least that might have been enough.
    pub short: Vec<Duration>,
    /// Specs that were not begun.
    pub left: usize,
}

impl Budget {
    /// What to say of a search that had `seconds`: which budget would do for all that have no record. `None` where nothing was cut short.
    pub fn advice(&self, seconds: f64) -> Option<String> {
        let open = self.short.len() + self.left;
        let specs = report::count(open, "spec");
        let Some(least) = self.short.iter().max() else {
            return (open > 0).then(|| format!("the {seconds} s are up: {specs} left for another run"));
        };
        // All get the same share, and the heaviest come first.
        let least = least.as_secs_f64();
        let enough = round_up(1.1 * least * open as f64);
        Some(format!(
            "{seconds} s are too short: {specs} left without a record. A spec takes up to {least:.1} s before there is anything to compare; \
             --budget {enough} would do for what is left"
        ))
    }
}

/// The next greater number with two digits that count.
fn round_up(seconds: f64) -> u64 {
    let step = 10f64.powf((seconds.max(1.0).log10().floor() - 1.0).max(0.0));
    ((seconds / step).ceil() * step) as u64
}

#[cfg(test)]
mod tests {
    use super::{Budget, round_up};
    use std::time::Duration;

    #[test]
    fn a_budget_that_would_do_is_named() {
        let short = vec![Duration::from_millis(4500), Duration::from_millis(500)];
        let advice = Budget { short, left: 28 }.advice(8.0).unwrap();
        assert!(advice.starts_with("8 s are too short: 30 specs left") && advice.contains("4.5 s"), "{advice}");
        assert!(advice.contains("--budget 150 "), "{advice}");
        let up = Budget { short: vec![], left: 1 }.advice(60.0).unwrap();
        assert_eq!(up, "the 60 s are up: 1 spec left for another run");
        assert_eq!(Budget::default().advice(8.0), None);
    }

    #[test]
    fn numbers_are_rounded_up() {
        assert_eq!([0.2, 7.2, 148.5, 1201.0].map(round_up), [1, 8, 150, 1300]);
    }
}
