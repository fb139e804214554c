//! Timing: the candidates of a spec race each other.
//!
//! They take turns, so that a change of the clock or of the load meets all of them. The first sample of each only warms up and tells how
//! many repeats fill a sample. After three more samples, candidates that take half as long again as the fastest are out. The rest goes on.
//! The fastest two and the default are measured twice more before the winner is known.
//!
//! A GPU without work lowers its clocks, and raises them only after up to some hundred milliseconds of load. The clocks of its processors
//! and of its memory change apart, so low clocks change the ranking. So the default runs before the race until its time has settled, and
//! samples follow one another without a gap. If most candidates still become faster from one turn to the next, earlier turns do not count.

use std::collections::VecDeque;
use std::iter::repeat_n;
use std::time::{Duration, Instant};

use anyhow::Result;
use tegula_compiler::op::step::Step;
use tegula_compiler::operand::{Launch, Operands};
use tegula_gpu::{Error, Timed};

use super::course::{Course, course};
use super::device::{Bench, Compiled};

/// Seconds that a sample takes at least.
const SAMPLE: f64 = 2e-3;
/// The most dispatches of a sample.
const MOST_REPEATS: f64 = 256.0;
/// Dispatches of the second warm-up, which only quick kernels need.
const WARM_UP: u32 = 4;
/// A candidate that takes so many times the leader's time in the warm-up is out already.
const HOPELESS: f64 = 4.0;
/// Samples before the slow ones are out.
const FIRST_ROUNDS: u32 = 3;
/// A candidate that takes so many times the leader's time after these is out.
const BEHIND: f64 = 1.5;
/// Samples after that.
const MORE_ROUNDS: u32 = 4;
/// Samples by which the fastest are confirmed.
const LAST_ROUNDS: u32 = 2;
/// Seconds of load before a race, at least and at most, and the most of them as a part of the time that is left.
const LOAD: [f64; 2] = [0.15, 0.6];
const LOAD_PART: f64 = 0.25;
/// Seconds of load between two looks at it.
const LOAD_STEP: f64 = 0.02;
/// Looks at a load that must agree, and the factor that they may lie apart.
const ALIKE: (usize, f64) = (3, 1.03);
/// Clocks still rise where a turn takes less than this part of the time of the turn before.
const RISING: f64 = 0.95;
/// How often samples are given up for that.
const MOST_RESTARTS: u32 = 3;
/// Samples under way at a time.
const AHEAD: usize = 2;
/// The default is replaced only by what takes less than this part of its time: less is noise.
const WORTHWHILE: f64 = 0.99;

/// All that a race is run with.
struct Field<'a> {
    right: &'a [Compiled],
    courses: Vec<Course>,
}

/// One sample: index of a candidate, index of a [`Course`], and number of dispatches.
type Turn = (usize, usize, u32);

/// A candidate's samples.
#[derive(Default)]
struct Runner {
    /// Seconds of a dispatch in the warm-up, and dispatches of a sample, by step.
    seconds: Vec<f64>,
    repeats: Vec<u32>,
    warm_up: f64,
    /// Seconds, the mean over all steps.
    samples: Vec<f64>,
}

impl Runner {
    fn sized(seconds: Vec<f64>) -> Runner {
        let repeats = seconds.iter().map(|seconds| (SAMPLE / seconds).ceil().clamp(1.0, MOST_REPEATS) as u32).collect();
        Runner { warm_up: mean(&seconds), repeats, seconds, samples: Vec::new() }
    }

    fn time(&self) -> f64 {
        let mut samples = self.samples.clone();
        samples.sort_by(f64::total_cmp);
        samples.get(samples.len().saturating_sub(1) / 2).copied().unwrap_or(self.warm_up)
    }
}

/// Seconds that each candidate takes for one dispatch, the mean over the steps. The first is the default, which is always measured in full.
pub fn race(
    bench: &mut Bench,
    steps: &[Step],
    operands: Vec<(Launch, Operands)>,
    right: &[Compiled],
    deadline: Option<Instant>,
) -> Result<Vec<f64>> {
    let courses = steps.iter().zip(operands).map(|(step, operands)| course(bench, step, operands, right));
    let field = Field { right, courses: courses.collect::<Result<Vec<_>, _>>()? };
    let late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    load(bench, &field, deadline)?;
    let mut runners = warm_up(bench, &field, right.len(), late)?;
    let mut alive: Vec<usize> = (0..right.len()).collect();
    keep(&mut alive, &runners, HOPELESS);
    let mut restarts = 0;
    for (rounds, factor) in [(FIRST_ROUNDS, BEHIND), (MORE_ROUNDS, f64::INFINITY)] {
        let mut round = 0;
        while round < rounds && (!late() || round == 0 && factor.is_finite()) {
            run(bench, &field, &mut runners, &alive)?;
            round += 1;
            if restarts < MOST_RESTARTS && is_rising(&runners, &alive) {
                restarts += 1;
                round = 1;
                for index in &alive {
                    let samples = &mut runners[*index].samples;
                    samples.drain(..samples.len() - 1);
                }
            }
        }
        keep(&mut alive, &runners, factor);
    }
    alive.sort_by(|one, other| runners[*one].time().total_cmp(&runners[*other].time()));
    let mut last: Vec<usize> = alive.into_iter().take(2).collect();
    if !last.contains(&0) {
        last.push(0);
    }
    for _ in 0..LAST_ROUNDS {
        if !late() {
            run(bench, &field, &mut runners, &last)?;
        }
    }
    Ok(runners.iter().map(Runner::time).collect())
}

/// The place of the fastest, or of the default where that is as fast but for noise.
pub fn winner(times: &[f64]) -> usize {
    let best = (0..times.len()).min_by(|one, other| times[*one].total_cmp(&times[*other])).unwrap_or(0);
    if times[best] < WORTHWHILE * times[0] { best } else { 0 }
}

/// Load before a race where there is time for it.
pub fn least_load() -> Duration {
    Duration::from_secs_f64(LOAD[0] / LOAD_PART)
}

/// Runs the default until its time has settled.
fn load(bench: &mut Bench, field: &Field<'_>, deadline: Option<Instant>) -> Result<(), Error> {
    let started = Instant::now();
    let left = deadline.map_or(f64::INFINITY, |deadline| deadline.saturating_duration_since(started).as_secs_f64());
    let most = Duration::from_secs_f64(LOAD[1].min(LOAD_PART * left));
    let least = Duration::from_secs_f64(LOAD[0]).min(most);
    let mut runner = warm_up(bench, field, 1, || false)?.remove(0);
    let mut looks = Vec::new();
    while started.elapsed() < most && (started.elapsed() < least || !is_settled(&looks)) {
        let sample: f64 = field.courses.iter().enumerate().map(|(at, _)| f64::from(runner.repeats[at]) * runner.seconds[at]).sum();
        let count = (LOAD_STEP / sample).ceil().clamp(1.0, MOST_REPEATS) as usize;
        let turns = repeat_n(0, count).flat_map(|_| runner.repeats.iter().enumerate().map(|(at, repeats)| (0, at, *repeats)));
        let found = samples(bench, field, turns)?;
        let courses = field.courses.len();
        runner = Runner::sized((0..courses).map(|at| found.iter().skip(at).step_by(courses).sum::<f64>() / count as f64).collect());
        looks.push(runner.warm_up);
    }
    Ok(())
}

/// Whether the last times are alike.
fn is_settled(looks: &[f64]) -> bool {
    let (count, factor) = ALIKE;
    let last = &looks[looks.len().saturating_sub(count)..];
    let (least, most) = last.iter().fold((f64::INFINITY, 0f64), |(least, most), look| (least.min(*look), most.max(*look)));
    last.len() == count && most <= factor * least
}

/// Whether most of those who run took clearly less time in their last turn than in the one before: one alone may have had luck.
fn is_rising(runners: &[Runner], alive: &[usize]) -> bool {
    let ratio = |index: &usize| match runners[*index].samples[..] {
        [.., before, last] => Some(last / before),
        _ => None,
    };
    let mut ratios: Vec<f64> = alive.iter().filter_map(ratio).collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).is_some_and(|middle| *middle < RISING)
}

/// A sample of each.
fn run(bench: &mut Bench, field: &Field<'_>, runners: &mut [Runner], alive: &[usize]) -> Result<(), Error> {
    let turns = alive.iter().flat_map(|index| runners[*index].repeats.iter().enumerate().map(|(at, repeats)| (*index, at, *repeats)));
    let found = samples(bench, field, turns)?;
    for (index, seconds) in alive.iter().zip(found.chunks(field.courses.len())) {
        runners[*index].samples.push(mean(seconds));
    }
    Ok(())
}

/// Leaves those within a factor of the leader, and the default.
fn keep(alive: &mut Vec<usize>, runners: &[Runner], factor: f64) {
    let leader = alive.iter().map(|index| runners[*index].time()).fold(f64::INFINITY, f64::min);
    alive.retain(|index| *index == 0 || (runners[*index].time() <= factor * leader && runners[*index].warm_up.is_finite()));
}

/// The first dispatches of the first `count` candidates. The very first may still set something up, which tells where a dispatch takes little
/// time itself. Candidates for which there is no time are left out of the count: they are slower than anything.
fn warm_up(bench: &mut Bench, field: &Field<'_>, count: usize, late: impl Fn() -> bool) -> Result<Vec<Runner>, Error> {
    let courses = field.courses.len();
    let in_time = (0..count).take_while(|index| *index == 0 || !late());
    let mut found = samples(bench, field, in_time.flat_map(|index| (0..courses).map(move |at| (index, at, 1))))?;
    let quick: Vec<usize> = (0..found.len()).filter(|place| found[*place] <= SAMPLE).collect();
    let again = samples(bench, field, quick.iter().map(|place| (place / courses, place % courses, WARM_UP)))?;
    for (place, seconds) in quick.into_iter().zip(again) {
        found[place] = seconds;
    }
    let mut runners: Vec<Runner> = found.chunks(courses).map(|seconds| Runner::sized(seconds.to_vec())).collect();
    runners.resize_with(count, || Runner { warm_up: f64::INFINITY, ..Runner::default() });
    Ok(runners)
}

/// Seconds of a dispatch in each turn. The next is submitted before the last is read back.
fn samples(bench: &mut Bench, field: &Field<'_>, turns: impl Iterator<Item = Turn>) -> Result<Vec<f64>, Error> {
    let (mut under_way, mut found) = (VecDeque::new(), Vec::new());
    for (index, at, repeats) in turns {
        let course = &field.courses[at];
        let work = Timed { pipeline: &field.right[index].pipeline, groups: &course.groups[index], grid: course.grids[index] };
        under_way.push_back(bench.timer.begin(work, repeats)?);
        if under_way.len() >= AHEAD
            && let Some(sample) = under_way.pop_front()
        {
            found.push(pollster::block_on(bench.timer.finish(sample))?);
        }
    }
    for sample in under_way {
        found.push(pollster::block_on(bench.timer.finish(sample))?);
    }
    Ok(found)
}

fn mean(seconds: &[f64]) -> f64 {
    seconds.iter().sum::<f64>() / seconds.len() as f64
}

#[cfg(test)]
mod tests {
    use super::{Runner, is_rising, is_settled, keep, winner};

    #[test]
    fn a_load_has_settled_where_the_last_looks_are_alike() {
        assert!(!is_settled(&[]) && !is_settled(&[1.0, 1.0]));
        assert!(is_settled(&[1.0, 1.01, 1.02]) && is_settled(&[4.0, 1.02, 1.0, 1.01]));
        // Clocks rise, step by step or slowly.
        assert!(!is_settled(&[2.0, 1.0, 1.0]) && !is_settled(&[1.0, 1.0, 1.05]) && !is_settled(&[1.04, 1.02, 1.0]));
    }

    #[test]
    fn clocks_rise_where_most_become_faster() {
        let runner = |samples: &[f64]| Runner { samples: samples.to_vec(), ..Runner::default() };
        let runners = [runner(&[9.0, 2.0, 1.8]), runner(&[1.0, 1.0]), runner(&[3.0, 2.8]), runner(&[1.0])];
        assert!(is_rising(&runners, &[0, 1, 2]));
        assert!(!is_rising(&runners, &[0, 1]) && !is_rising(&runners, &[1, 3]) && !is_rising(&runners, &[]));
    }

    #[test]
    fn the_default_stands_unless_something_is_clearly_faster() {
        assert_eq!(winner(&[1.0, 0.995]), 0);
        assert_eq!(winner(&[1.0, 0.9, 0.8, 2.0]), 2);
        assert_eq!(winner(&[1.0, f64::INFINITY]), 0);
    }

    #[test]
    fn who_falls_behind_is_out_but_for_the_default() {
        let runner = |time| Runner { samples: vec![9.0, time, 0.0], warm_up: 1.0, ..Runner::default() };
        let runners = [runner(4.0), runner(1.0), runner(1.4), runner(1.6)];
        let mut alive = vec![0, 1, 2, 3];
        keep(&mut alive, &runners, 1.5);
        assert_eq!(alive, [0, 1, 2]);
    }
}
