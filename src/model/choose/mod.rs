//! Choosing among the schedules that a library holds for a kernel, where no schedule is the best on every device ([`tegula_plan::Choice`]).
//!
//! It happens once, after the weights are loaded and before the first request, in no more than a second and a half. The alternatives of a
//! choice are compared with its first one, then timed. If the time does not suffice for a choice, the compiler's own choice stays. The
//! result can be kept ([`crate::model::step::Model::chosen`]) and given to the next load. This module is the policy; `trial` runs kernels.

mod decision;

use crate::Result;
pub use decision::Decision;
pub(crate) use decision::{describe, taken};
use tegula_plan::Choice;

/// Seconds that choosing may take: what a first visit can wait, beside a download of many.
pub const SECONDS: f64 = 1.5;

/// The least that another schedule must save to take the place of the first, as a part of the time.
const GAIN: f64 = 0.02;

/// Samples of each alternative.
const ROUNDS: usize = 3;

/// An alternative that takes so many times the first's time in the warm-up is out.
const HOPELESS: f64 = 3.0;

/// The most dispatches of a sample.
const MOST: u32 = 4096;

/// The part of the time that checks may take. A check is of no use if no time is left for timing.
const CHECKED: f64 = 0.5;

/// How the choices of a library are made.
#[derive(Clone, Debug, PartialEq)]
pub enum Kernels {
    /// As the compiler alone would have chosen.
    Default,
    /// By measuring on the device, in so many seconds at most.
    Measure {
        /// Usually [`SECONDS`].
        seconds: f64,
    },
    /// As they were made before, by choice of the device class that runs. Measured where they do not fit the library.
    Remembered(Vec<u32>),
}

/// A choice to be made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Task {
    /// Index in [`tegula_plan::Variant::choices`].
    pub choice: usize,
    /// How many there are to choose from, at least two.
    pub alternatives: usize,
    /// The work of a check: bytes that are read, times rows.
    pub check: f64,
    /// The work of a dispatch that is timed, in the same unit.
    pub dispatch: f64,
    /// The work of all such dispatches of a step: what a faster kernel would be worth.
    pub step: f64,
}

/// What runs the kernels.
pub(crate) trait Subject {
    /// Seconds since some moment.
    fn now(&self) -> f64;

    /// The least that a sample must take, in seconds, and how far off its time may be.
    fn clock(&self) -> Clock;

    /// Runs an alternative, the first of a choice before the others; the reason if it cannot be used.
    async fn check(&mut self, task: &Task, alternative: usize) -> Result<Result<(), String>>;

    /// Seconds that a dispatch of an alternative takes, the mean over so many.
    async fn sample(&mut self, task: &Task, alternative: usize, dispatches: u32) -> Result<f64>;
}

/// How well a subject tells the time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Seconds that a sample should take.
    pub sample: f64,
    /// Seconds that it may be off.
    pub error: f64,
}

/// What came of a choice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub choice: usize,
    pub chosen: usize,
    pub why: Why,
}

/// Why an alternative runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Why {
    /// No step that is timed runs it.
    Untried,
    /// The time did not suffice.
    NoTime,
    /// No other can be used here.
    Alone,
    /// Seconds of each alternative; none for those that cannot be used.
    Times(Vec<Option<f64>>),
}

/// Makes choices in `seconds` at most, as far as it can be told how long the next thing will take: checks first, the lightest before the heavier,
/// so that each tells what to expect of the next; then times, those first that are worth most.
pub(crate) async fn decide(subject: &mut impl Subject, tasks: &[Task], seconds: f64) -> Result<Vec<Verdict>> {
    let now = subject.now();
    let mut trial = Decide { checked: now + CHECKED * seconds, end: now + seconds, rate: None, late: 0.0, subject };
    let mut verdicts: Vec<Verdict> = tasks.iter().map(|task| Verdict { choice: task.choice, chosen: 0, why: Why::NoTime }).collect();
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_unstable_by(|one, other| tasks[*one].check.total_cmp(&tasks[*other].check).then(one.cmp(other)));
    let mut usable = Vec::new();
    for index in order {
        let Some(right) = trial.check(&tasks[index]).await? else { continue };
        if right.iter().filter(|right| **right).count() < 2 {
            verdicts[index].why = Why::Alone;
        } else {
            usable.push((index, right));
        }
    }
    usable.sort_unstable_by(|(one, _), (other, _)| tasks[*other].step.total_cmp(&tasks[*one].step).then(one.cmp(other)));
    let mut left = usable.len();
    for (index, right) in usable {
        // The heavier may take more than an equal share: what they leave is enough for the light ones.
        let share = (2.0 * trial.left() / left as f64).min(trial.left());
        left -= 1;
        if let Some((chosen, times)) = trial.time(&tasks[index], &right, share).await? {
            (verdicts[index].chosen, verdicts[index].why) = (chosen, Why::Times(times));
        }
    }
    Ok(verdicts)
}

struct Decide<'a, S> {
    subject: &'a mut S,
    /// When checks must be over.
    checked: f64,
    /// When all must be over.
    end: f64,
    /// Work a second: the most that was seen. Unknown before the first check.
    rate: Option<f64>,
    /// By how much a check took longer than was expected, at most: drivers compile late.
    late: f64,
}

impl<S: Subject> Decide<'_, S> {
    fn left(&self) -> f64 {
        (self.end - self.subject.now()).max(0.0)
    }

    /// Whether what takes so many seconds is over in time.
    fn has(&self, seconds: f64) -> bool {
        self.left() > 0.0 && seconds <= self.left()
    }

    /// Seconds that work is expected to take.
    fn expected(&self, work: f64) -> f64 {
        self.rate.map_or(0.0, |rate| work / rate)
    }

    /// Which alternatives can be used; nothing if the time does not suffice.
    async fn check(&mut self, task: &Task) -> Result<Option<Vec<bool>>> {
        let mut right = Vec::with_capacity(task.alternatives);
        for alternative in 0..task.alternatives {
            let left = self.checked - self.subject.now();
            // Another schedule may be slower by what would make it hopeless.
            let factor = if alternative == 0 { 1.0 } else { HOPELESS };
            if left <= 0.0 || self.expected(task.check) * factor + self.late > left {
                return Ok(None);
            }
            let began = self.subject.now();
            let mut checked = self.subject.check(task, alternative).await?;
            let mut took = self.subject.now() - began;
            if self.rate.is_none() {
                // The very first run is no measure of anything.
                checked = self.subject.check(task, alternative).await?;
                took = self.subject.now() - began - took;
            }
            let rate = self.rate.unwrap_or(0.0).max(task.check / took.max(1e-6));
            self.late = self.late.max(took - task.check / rate);
            self.rate = Some(rate);
            tracing::debug!(choice = task.choice, alternative, work = task.check, took, "checked");
            if let Err(reason) = &checked {
                tracing::warn!(choice = task.choice, alternative, reason, "a kernel is left out");
            }
            right.push(checked.is_ok());
        }
        // Without the first there is nothing to hold the others against.
        Ok(Some(if right[0] { right } else { vec![false; task.alternatives] }))
    }

    /// Times those that are right, in turns, and gives the winner and the median of each.
    async fn time(&mut self, task: &Task, right: &[bool], share: f64) -> Result<Option<(usize, Vec<Option<f64>>)>> {
        let runners = right.iter().filter(|right| **right).count();
        let each = share / (runners * (ROUNDS + 1)) as f64;
        if self.expected(task.dispatch) * (runners * ROUNDS) as f64 > share {
            return Ok(None);
        }
        let Some(once) = self.calibrate(task, self.subject.clock().sample.min(each)).await? else { return Ok(None) };
        if once > each {
            return Ok(None);
        }
        // Only now is it known which clock serves.
        let clock = self.subject.clock();
        let count = ((clock.sample.min(each) / once) as u32).clamp(1, MOST);
        let mut samples: Vec<Vec<f64>> = vec![Vec::new(); right.len()];
        let mut hopeless = vec![None; right.len()];
        for (alternative, hopeless) in hopeless.iter_mut().enumerate().skip(1).filter(|(index, _)| right[*index]) {
            if !self.has(once * f64::from(count)) {
                return Ok(None);
            }
            // Warms up, and shows early which alternatives are far behind.
            let time = self.subject.sample(task, alternative, count.div_ceil(4)).await?;
            *hopeless = Some(time).filter(|time| *time > HOPELESS * once);
        }
        let mut longest = once * f64::from(count);
        for _ in 0..ROUNDS {
            for alternative in (0..right.len()).filter(|index| right[*index] && hopeless[*index].is_none()) {
                if !self.has(longest) {
                    break;
                }
                let began = self.subject.now();
                samples[alternative].push(self.subject.sample(task, alternative, count).await?);
                longest = longest.max(self.subject.now() - began);
            }
        }
        let whole = |index: usize| !right[index] || hopeless[index].is_some() || samples[index].len() >= ROUNDS - 1;
        if !(0..right.len()).all(whole) {
            return Ok(None);
        }
        let times: Vec<Option<f64>> = samples.into_iter().zip(hopeless).map(|(samples, hopeless)| hopeless.or(median(samples))).collect();
        let first = times[0].unwrap_or(once);
        let least = GAIN.max(clock.error / (first * f64::from(count)));
        let faster = (1..times.len()).filter(|index| times[*index].is_some_and(|time| time <= first * (1.0 - least)));
        let winner = faster.min_by(|one, other| times[*one].unwrap_or(first).total_cmp(&times[*other].unwrap_or(first)));
        Ok(Some((winner.unwrap_or(0), times)))
    }

    /// Seconds that a dispatch of the first alternative takes: what the clock says of one dispatch is mostly the clock's own, so they grow more
    /// until it is not.
    async fn calibrate(&mut self, task: &Task, sample: f64) -> Result<Option<f64>> {
        let mut count = 1;
        loop {
            if !self.has(self.expected(task.dispatch).min(sample)) {
                return Ok(None);
            }
            let once = self.subject.sample(task, 0, count).await?.max(1e-9);
            if once * f64::from(count) >= sample / 4.0 || count == MOST {
                return Ok(Some(once));
            }
            count = (count * 8).min(MOST);
        }
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// What runs where nothing is to be measured; `None` where it is.
pub(crate) fn known(choices: &[Choice], kernels: &Kernels) -> Option<Vec<u32>> {
    match kernels {
        Kernels::Remembered(chosen) => {
            let fits = |(chosen, choice): (&u32, &Choice)| (*chosen as usize) < choice.alternatives.len();
            let fits = chosen.len() == choices.len() && chosen.iter().zip(choices).all(fits);
            if !fits {
                tracing::warn!("the remembered choice of kernels is not one of this library; it is made again");
            }
            fits.then(|| chosen.clone())
        }
        Kernels::Measure { .. } if !choices.is_empty() => None,
        Kernels::Default | Kernels::Measure { .. } => Some(vec![0; choices.len()]),
    }
}

#[cfg(test)]
mod tests;
