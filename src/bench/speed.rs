//! Tokens a second: of a prompt, and of a batch that is past its prompts.

use std::collections::BTreeSet;

use super::{Bench, NAME, Workload};
use crate::clock::seconds;
use crate::{ErrorKind, Result};

impl Bench {
    /// Tokens of a prompt over the time to the first token.
    pub(super) async fn prefill(&mut self, workload: &Workload) -> Result<f64> {
        let known = (workload.prompt_tokens, workload.repetitions);
        if let Some(&speed) = self.prefills.get(&known) {
            return Ok(speed);
        }
        let mut speeds = Vec::new();
        for round in 0..=workload.repetitions {
            self.probe.run_prompts();
            self.submit(workload.prompt_tokens, 1, None)?;
            let started = seconds();
            self.settle().await?;
            if round > 0 {
                speeds.push(f64::from(workload.prompt_tokens) / (seconds() - started));
            }
        }
        let speed = median(speeds);
        self.prefills.insert(known, speed);
        Ok(speed)
    }

    /// Decodes a batch: tokens of all sequences a second, and the part of that time in which the host was busy submitting.
    pub(super) async fn decode(&mut self, workload: &Workload) -> Result<[f64; 2]> {
        self.probe.skip_prompts(workload.prompt_tokens);
        // Of prompts only the last rows are run, by themselves.
        self.host.set_mixing(NAME, false);
        self.host.set_prompt_share(NAME, Some(usize::MAX));
        let answer = workload.answer(self.chunk());
        for _ in 0..workload.batch {
            self.submit(workload.prompt_tokens, answer, workload.drawing)?;
        }
        let wanted = u64::from(workload.decode_tokens) * u64::from(workload.batch);
        let (mut started, mut tokens, mut measured) = (None, 0, None);
        let mut begun = BTreeSet::new();
        while self.running > 0 {
            let news = self.turn().await?;
            tokens += news.len() as u64;
            if started.is_none() {
                begun.extend(news);
                if begun.len() == workload.batch as usize {
                    (started, tokens) = (Some(seconds()), 0);
                    self.probe.take_busy();
                }
            } else if let (Some(started), None, true) = (started, measured, tokens >= wanted) {
                let time = seconds() - started;
                measured = Some([tokens as f64 / time, self.probe.take_busy() / time]);
            }
        }
        // Some sequences ended before the last of them had begun.
        let allowed = "as many sequences as the cache holds side by side";
        let value = workload.batch.to_string();
        measured.ok_or_else(|| ErrorKind::FieldRange { field: "batch".into(), value, allowed: allowed.into() }.into())
    }
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_of_an_even_number_is_between() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
