//! Measures one spec on one device. Candidates are compiled and checked against the reference, and the right ones are timed.
//!
//! The processor's work comes before the first sample, and runs in parallel: compiling kernels, computing references, and making the
//! operands of the timed steps. Meanwhile the device checks the candidates that are compiled already. A GPU that waits lowers its clocks.
//! Samples with waits between them would measure the clocks and not the candidates.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use tegula_compiler::op::step::Step;
use tegula_compiler::op::{Spec, compare};
use tegula_compiler::tune::{Candidate, Record, candidates, steps};
use tegula_gpu::{Buffer, Error, ErrorKind, Range, Readback, Usage};
use tegula_plan::{KernelBinding, Requires};

use super::device::{Bench, Compiled};
use super::timing;
use super::uploaded::{self, Uploaded};

/// A candidate that agrees with the reference on fewer seeds than these may be right by chance.
const SEEDS: [u64; 3] = [1, 2, 3];

/// The most threads that compile: drivers gain little from more.
const MOST_THREADS: usize = 16;

/// Candidates whose results are awaited and compared at a time.
const AHEAD: usize = 4;

/// The part of a spec's time after which no more candidates are checked: those nearest to the default come first, and to time them is better
/// than to time none.
const CHECKING: f64 = 0.5;

/// Candidates that are checked beyond that, while there is any time: where the default alone is timed, nothing is learned.
const LEAST: usize = 4;

/// How much longer it takes to check [`LEAST`] candidates than the default alone, which shares the references with them.
const AGAIN: f64 = 2.0;

/// What came of a spec.
pub enum Outcome {
    /// The device cannot hold its buffers.
    Skipped { reason: String },
    /// Its share of the time was up before anything but the default was timed; `least` might have been enough.
    Short { least: Duration },
    /// The winner, if there is one, and the candidates that cannot be used with the reasons.
    Measured { record: Option<Record>, failures: Vec<String> },
}

/// A seed's operands on the device, and what the reference makes of them.
struct Seed {
    uploaded: Uploaded,
    /// What kernels write to, as it is before.
    before: BTreeMap<&'static str, Buffer>,
    results: BTreeMap<&'static str, Vec<u32>>,
}

impl Bench {
    /// Measures a spec, until `deadline` or as long as it takes.
    pub fn measure(&mut self, spec: &Spec, requires: &Requires, deadline: Option<Instant>) -> Result<Outcome> {
        match self.search(spec, requires, deadline) {
            Ok(outcome) => Ok(outcome),
            Err(error) => match error.downcast_ref::<Error>().map(Error::kind) {
                Some(ErrorKind::Limit { .. } | ErrorKind::OutOfMemory { .. }) => Ok(Outcome::Skipped { reason: error.to_string() }),
                _ => Err(error),
            },
        }
    }

    fn search(&mut self, spec: &Spec, requires: &Requires, deadline: Option<Instant>) -> Result<Outcome> {
        let started = Instant::now();
        let all = candidates(spec, requires)?;
        let checked = |deadline: Instant| started + deadline.saturating_duration_since(started).mul_f64(CHECKING);
        let (default, choices) = (all[0].schedule.clone(), all.len());
        let steps = steps::timed(spec);
        let (right, operands) = thread::scope(|scope| {
            let operands: Vec<_> = steps.iter().map(|step| scope.spawn(|| step.operands(0))).collect();
            let right = self.right(spec, requires, all, deadline.map(|deadline| [checked(deadline), deadline]));
            let operands = operands.into_iter().map(|thread| thread.join().expect("operands can be made for every step"));
            (right, operands.collect::<Vec<_>>())
        });
        let (right, failures) = right?;
        // What is faster than the default cannot be told where the default is wrong.
        if right.first().is_none_or(|first| first.candidate.schedule != default) {
            return Ok(Outcome::Measured { record: None, failures });
        }
        let times = timing::race(self, &steps, operands, &right, deadline)?;
        let record = self.record(spec, *requires, &steps, &right, &times);
        if record.others.is_empty() && choices > 1 && failures.is_empty() {
            // A record would say that the default is the best, and keep later runs from finding out.
            return Ok(Outcome::Short { least: started.elapsed().mul_f64(AGAIN) + timing::least_load() });
        }
        Ok(Outcome::Measured { record: Some(record), failures })
    }

    /// The candidates that agree with the reference, in their order, and what is wrong with others. `until`: when checking ends that has seen
    /// a few, and when it ends that has seen the default.
    fn right(
        &self,
        spec: &Spec,
        requires: &Requires,
        all: Vec<Candidate>,
        until: Option<[Instant; 2]>,
    ) -> Result<(Vec<Compiled>, Vec<String>), Error> {
        let step = steps::check(spec);
        let writes: Vec<String> = written(&all[0]).map(|binding| binding.name.clone()).collect();
        let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let late = |checked| until.is_some_and(|[part, all]| Instant::now() >= if checked < LEAST { all } else { part });
        let rest = Mutex::new(all.into_iter().enumerate());
        let mut verdicts = Vec::new();
        thread::scope(|scope| {
            let (step, writes, rest) = (&step, &writes, &rest);
            let seeds = SEEDS.map(|seed| scope.spawn(move || Seed::of(self, step, seed, writes)));
            // Who compiles stops where nobody takes what was compiled, and does not run far ahead of the checks.
            let (sender, compiled) = mpsc::sync_channel(threads);
            for _ in 0..threads {
                let sender = sender.clone();
                scope.spawn(move || {
                    let next = || rest.lock().unwrap_or_else(PoisonError::into_inner).next();
                    while let Some((index, candidate)) = next() {
                        let pipeline = uploaded::pipeline(&self.gpu, &candidate, requires);
                        if sender.send((index, candidate, pipeline)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let seeds = seeds.map(|thread| thread.join().expect("references do not panic on their own operands"));
            let seeds: Arc<[Seed]> = seeds.into_iter().collect::<Result<_, Error>>()?;
            let mut under_way = VecDeque::new();
            let mut seen_default = false;
            for (checked, (index, candidate, pipeline)) in (1..).zip(compiled) {
                seen_default |= index == 0;
                match pipeline {
                    Err(error) => verdicts.push((index, Err(format!("{}: {error}", candidate.linked.name)))),
                    Ok(pipeline) => {
                        let compiled = Compiled { candidate, pipeline };
                        let run = self.run(step, &compiled, &seeds)?;
                        let seeds = Arc::clone(&seeds);
                        under_way.push_back(scope.spawn(move || Ok((index, verdict(step, compiled, run, &seeds)?))));
                    }
                }
                if under_way.len() > AHEAD {
                    verdicts.extend(under_way.pop_front().map(joined).transpose()?);
                }
                if seen_default && late(checked) {
                    break;
                }
            }
            for thread in under_way {
                verdicts.push(joined(thread)?);
            }
            Ok::<(), Error>(())
        })?;
        // They come as their compilation ends.
        verdicts.sort_by_key(|(index, _)| *index);
        let (mut right, mut failures) = (Vec::new(), Vec::new());
        for (_, verdict) in verdicts {
            match verdict {
                Ok(compiled) => right.push(compiled),
                Err(reason) => failures.push(reason),
            }
        }
        Ok((right, failures))
    }

    /// Runs a candidate on every seed: for each, what it writes is on its way back. The outer error is the device's, the inner one the
    /// candidate's.
    fn run(&self, step: &Step, compiled: &Compiled, seeds: &[Seed]) -> Result<Result<Vec<Readback>, String>, Error> {
        let Compiled { candidate, pipeline } = compiled;
        let grid = step.grid(&candidate.linked.grid);
        let mut readbacks = Vec::new();
        for Seed { uploaded, before, .. } in seeds {
            let group = uploaded.bind(&self.gpu, candidate, pipeline, |_, buffer| buffer)?;
            let (mut pass, mut ranges) = (self.gpu.pass(), Vec::new());
            for binding in written(candidate) {
                let name = binding.name.as_str();
                let (Some(before), Some(buffer)) = (before.get(name), uploaded.buffers.get(name)) else {
                    return Ok(Err(format!("writes `{name}`, which the default does not")));
                };
                pass.copy(before, 0, buffer, 0, before.bytes());
                ranges.push(Range { buffer, offset: 0, size: before.bytes() });
            }
            pass.dispatch(pipeline, &group, grid);
            readbacks.push(pass.submit_reading(&ranges)?);
        }
        Ok(Ok(readbacks))
    }

    fn record(&self, spec: &Spec, requires: Requires, steps: &[Step], right: &[Compiled], times: &[f64]) -> Record {
        let microseconds = |seconds: f64| (seconds * 1e9).round().max(1.0) / 1e3;
        let best = timing::winner(times);
        let linked = &right[best].candidate.linked;
        let count = steps.len() as u64;
        let bytes = steps.iter().map(Step::bytes).sum::<u64>() / count;
        // Those that were never timed have no place in a record.
        let timed = right.iter().zip(times).enumerate().filter(|(_, (_, time))| time.is_finite());
        let others = timed.clone().filter(|(index, _)| *index != best && *index != 0);
        let others = others.map(|(_, (other, time))| (other.candidate.linked.name.clone(), microseconds(*time)));
        Record {
            spec: spec.key(),
            device: self.gpu.info().name.clone(),
            software: self.gpu.info().device_type == "cpu",
            requires,
            schedule: linked.name.clone(),
            source: Record::source_digits(linked.source),
            microseconds: microseconds(times[best]),
            default: right[0].candidate.linked.name.clone(),
            default_microseconds: microseconds(times[0]),
            bytes,
            operations: steps.iter().map(Step::operations).sum::<u64>() / count,
            fraction_of_stream: (bytes as f64 / times[best] / self.stream * 1e4).round() / 1e4,
            candidates: timed.count(),
            others: Record::close(microseconds(times[best]), others),
        }
    }
}

impl Seed {
    fn of(bench: &Bench, step: &Step, seed: u64, writes: &[String]) -> Result<Seed, Error> {
        let (launch, mut operands) = step.operands(seed);
        let uploaded = Uploaded::new(&bench.gpu, &launch, &operands)?;
        let mut pass = bench.gpu.pass();
        let mut before = BTreeMap::new();
        for (name, buffer) in uploaded.buffers.iter().filter(|(name, _)| writes.iter().any(|written| written == *name)) {
            let copy = bench.gpu.buffer(name, buffer.bytes(), Usage::Storage)?;
            pass.copy(buffer, 0, &copy, 0, buffer.bytes());
            before.insert(*name, copy);
        }
        pass.submit();
        step.spec.reference(&launch, &mut operands);
        operands.buffers.retain(|name, _| before.contains_key(name));
        Ok(Seed { uploaded, before, results: operands.buffers })
    }
}

/// Awaits and compares what a candidate wrote. The outer error is the device's, the inner one the candidate's.
fn verdict(step: &Step, compiled: Compiled, run: Result<Vec<Readback>, String>, seeds: &[Seed]) -> Result<Result<Compiled, String>, Error> {
    let linked = &compiled.candidate.linked;
    let named = |reason: String| format!("{}: {reason}", linked.name);
    let readbacks = match run {
        Ok(readbacks) => readbacks,
        Err(reason) => return Ok(Err(named(reason))),
    };
    for (readback, seed) in readbacks.into_iter().zip(seeds) {
        let bytes = pollster::block_on(readback.bytes())?;
        let mut rest = bytes.as_slice();
        for binding in written(&compiled.candidate) {
            let name = binding.name.as_str();
            let Some(expected) = seed.results.get(name) else { continue };
            let found;
            (found, rest) = rest.split_at(4 * expected.len());
            if let Err(reason) = compare(&step.spec, linked.half, name, &bytemuck::pod_collect_to_vec::<u8, u32>(found), expected) {
                return Ok(Err(named(reason)));
            }
        }
    }
    Ok(Ok(compiled))
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T, Error>>) -> Result<T, Error> {
    thread.join().expect("comparing does not panic")
}

fn written(candidate: &Candidate) -> impl Iterator<Item = &KernelBinding> {
    candidate.linked.bindings.iter().filter(|binding| binding.writes)
}
