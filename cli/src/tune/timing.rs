//! Timing: the candidates of a spec race each other.
//!
//! They take turns, so that a change of the clock or of the load meets all of them. The first sample of each only warms up and tells how many
//! repeats fill a sample. Who is behind by half after three samples is out; the rest goes on, and the fastest two and the default are measured
//! twice more before one of them has won. Weights and caches rotate, since no step of a model finds them in a cache.

use std::time::Instant;

use anyhow::Result;
use tegula_compiler::spec::operands::Step;
use tegula_gpu::{BindGroup, Buffer, Error, ErrorKind, Timed, Usage};

use super::measure::{Bench, Compiled, Uploaded};

/// Bytes to rotate over: several times the last-level cache of the largest GPUs, and of a processor.
const ROTATION: [u64; 2] = [256 << 20, 32 << 20];
/// The most copies of an operand that is small.
const MOST_COPIES: u64 = 64;
/// Seconds that a sample takes at least.
const SAMPLE: f64 = 2e-3;
/// The most dispatches of a sample.
const MOST_REPEATS: f64 = 256.0;
/// Dispatches of the second warm-up, which only quick kernels need.
const WARM_UP: u32 = 4;
/// Who takes so many times the leader's time in the warm-up is out already.
const HOPELESS: f64 = 4.0;
/// Samples before the slow ones are out.
const FIRST_ROUNDS: u32 = 3;
/// Who takes so many times the leader's time after these is out.
const BEHIND: f64 = 1.5;
/// Samples after that.
const MORE_ROUNDS: u32 = 4;
/// Samples by which the fastest are confirmed.
const LAST_ROUNDS: u32 = 2;
/// The default is replaced only by what takes less than this part of its time: less is noise.
const WORTHWHILE: f64 = 0.99;

/// A step on the device, ready for every candidate.
struct Course {
    /// Keeps the operands alive, of which the bind groups hold no more than the driver's part.
    _uploaded: Uploaded,
    _copies: Vec<(&'static str, Vec<Buffer>)>,
    groups: Vec<Vec<BindGroup>>,
    grids: Vec<[u32; 3]>,
}

/// A candidate's samples.
#[derive(Default)]
struct Runner {
    /// Dispatches of a sample, by step.
    repeats: Vec<u32>,
    warm_up: f64,
    /// Seconds, the mean over all steps.
    samples: Vec<f64>,
}

impl Runner {
    fn time(&self) -> f64 {
        let mut samples = self.samples.clone();
        samples.sort_by(f64::total_cmp);
        samples.get(samples.len().saturating_sub(1) / 2).copied().unwrap_or(self.warm_up)
    }
}

/// Seconds that each candidate takes for one dispatch, the mean over the steps. The first is the default, which is always measured in full.
pub fn race(bench: &mut Bench, steps: &[Step], right: &[Compiled], deadline: Option<Instant>) -> Result<Vec<f64>> {
    let courses = steps.iter().map(|step| course(bench, step, right)).collect::<Result<Vec<_>, _>>()?;
    let late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let mut runners = Vec::with_capacity(right.len());
    for index in 0..right.len() {
        // Candidates for which there is no time are left out of the count: they are slower than anything.
        let mut runner = Runner { warm_up: f64::INFINITY, ..Runner::default() };
        if index == 0 || !late() {
            let first = courses.iter().map(|course| warm_up(bench, course, right, index)).collect::<Result<Vec<f64>, _>>()?;
            runner.repeats = first.iter().map(|seconds| (SAMPLE / seconds).ceil().clamp(1.0, MOST_REPEATS) as u32).collect();
            runner.warm_up = first.iter().sum::<f64>() / first.len() as f64;
        }
        runners.push(runner);
    }
    let mut alive: Vec<usize> = (0..right.len()).collect();
    keep(&mut alive, &runners, HOPELESS);
    for (rounds, factor) in [(FIRST_ROUNDS, BEHIND), (MORE_ROUNDS, f64::INFINITY)] {
        for round in 0..rounds {
            if late() && (round > 0 || factor.is_infinite()) {
                break;
            }
            run(bench, &courses, right, &mut runners, &alive)?;
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
            run(bench, &courses, right, &mut runners, &last)?;
        }
    }
    Ok(runners.iter().map(Runner::time).collect())
}

/// The place of the fastest, or of the default where that is as fast but for noise.
pub fn winner(times: &[f64]) -> usize {
    let best = (0..times.len()).min_by(|one, other| times[*one].total_cmp(&times[*other])).unwrap_or(0);
    if times[best] < WORTHWHILE * times[0] { best } else { 0 }
}

/// A sample of each, one after another.
fn run(bench: &mut Bench, courses: &[Course], right: &[Compiled], runners: &mut [Runner], alive: &[usize]) -> Result<(), Error> {
    for &index in alive {
        let mut sum = 0.0;
        for (at, course) in courses.iter().enumerate() {
            sum += sample(bench, course, right, index, runners[index].repeats[at])?;
        }
        runners[index].samples.push(sum / courses.len() as f64);
    }
    Ok(())
}

/// Leaves those within a factor of the leader, and the default.
fn keep(alive: &mut Vec<usize>, runners: &[Runner], factor: f64) {
    let leader = alive.iter().map(|index| runners[*index].time()).fold(f64::INFINITY, f64::min);
    alive.retain(|index| *index == 0 || (runners[*index].time() <= factor * leader && runners[*index].warm_up.is_finite()));
}

/// The first dispatch may still set something up, which tells where a dispatch takes little time itself.
fn warm_up(bench: &mut Bench, course: &Course, right: &[Compiled], index: usize) -> Result<f64, Error> {
    let first = sample(bench, course, right, index, 1)?;
    if first > SAMPLE { Ok(first) } else { sample(bench, course, right, index, WARM_UP) }
}

fn sample(bench: &mut Bench, course: &Course, right: &[Compiled], index: usize, repeats: u32) -> Result<f64, Error> {
    let work = Timed { pipeline: &right[index].pipeline, groups: &course.groups[index], grid: course.grids[index] };
    pollster::block_on(bench.timer.seconds(&work, repeats))
}

/// Uploads a step's operands, copies those that rotate, and binds all of it for every candidate.
fn course(bench: &Bench, step: &Step, right: &[Compiled]) -> Result<Course, Error> {
    let gpu = &bench.gpu;
    let (launch, operands) = step.operands(0);
    let uploaded = bench.upload(&launch, &operands)?;
    let rotating = ["weights", "scales"].into_iter().chain(uploaded.buffers.contains_key("pages").then_some("cache"));
    let rotating: Vec<(&'static str, &Buffer)> = rotating.filter_map(|name| Some((name, uploaded.buffers.get(name)?))).collect();
    let bytes: u64 = rotating.iter().map(|(_, buffer)| buffer.bytes()).sum();
    let target = ROTATION[usize::from(gpu.info().device_type == "cpu")];
    let wanted = if bytes == 0 { 0 } else { target.div_ceil(bytes).min(MOST_COPIES).saturating_sub(1) };
    let mut copies: Vec<(&'static str, Vec<Buffer>)> = rotating.iter().map(|(name, _)| (*name, Vec::new())).collect();
    let mut pass = gpu.pass();
    for _ in 0..wanted {
        let made: Result<Vec<Buffer>, Error> =
            rotating.iter().map(|(name, buffer)| gpu.buffer(name, buffer.bytes(), Usage::Storage)).collect();
        match made {
            // As many as fit.
            Err(error) if matches!(error.kind(), ErrorKind::OutOfMemory { .. }) => break,
            made => {
                for (((_, copies), (_, original)), copy) in copies.iter_mut().zip(&rotating).zip(made?) {
                    pass.copy(original, 0, &copy, 0, original.bytes());
                    copies.push(copy);
                }
            }
        }
    }
    pass.submit();
    let turns = 1 + copies.first().map_or(0, |(_, copies)| copies.len());
    let group = |compiled: &Compiled, turn: usize| {
        let instead = |name: &str, buffer| {
            let own = copies.iter().find(|(copied, _)| *copied == name).and_then(|(_, copies)| copies.get(turn.checked_sub(1)?));
            own.unwrap_or(buffer)
        };
        uploaded.bind(gpu, &compiled.candidate, &compiled.pipeline, instead)
    };
    let groups = right.iter().map(|compiled| (0..turns).map(|turn| group(compiled, turn)).collect::<Result<Vec<_>, _>>());
    let groups = groups.collect::<Result<Vec<_>, Error>>()?;
    let grid = |compiled: &Compiled| compiled.candidate.linked.grid.each_ref().map(|size| size.eval(step.rows, step.pages));
    let grids = right.iter().map(grid).collect();
    Ok(Course { _uploaded: uploaded, _copies: copies, groups, grids })
}

#[cfg(test)]
mod tests {
    use super::{Runner, keep, winner};

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
