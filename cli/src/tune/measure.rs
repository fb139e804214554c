//! One spec on one device: candidates are compiled, checked against the reference, and what is right is timed.

use std::collections::BTreeMap;
use std::thread;
use std::time::Instant;

use anyhow::Result;
use tegula_compiler::spec::Spec;
use tegula_compiler::spec::agreement::compare;
use tegula_compiler::spec::operands::Step;
use tegula_compiler::spec::reference::{self, Launch, Operands};
use tegula_compiler::tune::{Candidate, Record, candidates, steps};
use tegula_gpu::{BindGroup, Buffer, Error, ErrorKind, Gpu, Pipeline, Range, Source, Timer, Usage};
use tegula_plan::{Kernel, KernelBinding, Requires};

use super::timing;

/// A candidate that agrees with the reference on fewer seeds than these may be right by chance.
const SEEDS: [u64; 3] = [1, 2, 3];

/// Candidates that are compiled at a time, for each thread that compiles: few enough to stop between.
const PART: usize = 2;

/// The part of a spec's time after which no more candidates are checked.
const CHECKING: f64 = 0.65;

/// The device, and what is the same for all specs.
pub struct Bench {
    pub gpu: Gpu,
    pub timer: Timer,
    /// Bytes a second.
    stream: f64,
}

/// What came of a spec.
pub enum Outcome {
    /// The device cannot hold its buffers, or the time was too short.
    Skipped { reason: String },
    /// The winner, if there is one, and the candidates that cannot be used with the reasons.
    Measured { record: Option<Record>, failures: Vec<String> },
}

/// A candidate that the device takes.
pub struct Compiled {
    pub candidate: Candidate,
    pub pipeline: Pipeline,
}

/// The buffers of a step on the device.
pub struct Uploaded {
    pub launch: Buffer,
    pub buffers: BTreeMap<&'static str, Buffer>,
}

/// A seed's operands, and what the reference makes of them.
struct Expected {
    launch: Launch,
    operands: Operands,
    results: BTreeMap<&'static str, Vec<u32>>,
}

impl Bench {
    /// Measures how fast the device reads memory: the ceiling that results are held against.
    pub fn new(gpu: Gpu) -> Result<Bench> {
        let stream = pollster::block_on(tegula_gpu::stream_bandwidth(&gpu))?;
        Ok(Bench { timer: gpu.timer()?, gpu, stream })
    }

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
        let (right, failures) = self.right(spec, requires, all, deadline.map(checked))?;
        // What is faster than the default cannot be told where the default is wrong.
        if right.first().is_none_or(|first| first.candidate.schedule != default) {
            return Ok(Outcome::Measured { record: None, failures });
        }
        let steps = steps::timed(spec);
        let times = timing::race(self, &steps, &right, deadline)?;
        let record = self.record(spec, *requires, &steps, &right, &times);
        if record.others.is_empty() && choices > 1 && failures.is_empty() {
            // A record would say that the default is the best, and keep later runs from finding out.
            return Ok(Outcome::Skipped { reason: "its share of the time was up before anything but the default was timed".into() });
        }
        Ok(Outcome::Measured { record: Some(record), failures })
    }

    /// The candidates that agree with the reference, in their order, and what is wrong with others.
    fn right(&self, spec: &Spec, requires: &Requires, all: Vec<Candidate>, until: Option<Instant>) -> Result<(Vec<Compiled>, Vec<String>)> {
        let step = steps::check(spec);
        let part_size = PART * thread::available_parallelism().map_or(1, usize::from).min(8);
        let late = || until.is_some_and(|until| Instant::now() >= until);
        let (mut right, mut failures) = (Vec::new(), Vec::new());
        let mut seeds: Vec<(Expected, Uploaded)> = Vec::new();
        let mut rest = all.into_iter().enumerate().peekable();
        while rest.peek().is_some() && (seeds.is_empty() || !late()) {
            let part: Vec<(usize, Candidate)> = rest.by_ref().take(part_size).collect();
            let pipelines = if seeds.is_empty() {
                // The reference takes a processor as long as drivers take for the first kernels.
                let writes: Vec<String> = written(&part[0].1).map(|binding| binding.name.clone()).collect();
                let (pipelines, expected) = thread::scope(|scope| {
                    let expected = SEEDS.map(|seed| {
                        scope.spawn({
                            let writes = &writes;
                            move || Expected::of(&step, seed, writes)
                        })
                    });
                    let pipelines = self.pipelines(&part, requires);
                    (pipelines, expected.map(|thread| thread.join().expect("references do not panic on their own operands")))
                });
                for expected in expected {
                    let uploaded = self.upload(&expected.launch, &expected.operands)?;
                    seeds.push((expected, uploaded));
                }
                pipelines
            } else {
                self.pipelines(&part, requires)
            };
            for ((index, candidate), pipeline) in part.into_iter().zip(pipelines) {
                if index > 0 && late() {
                    break;
                }
                let verdict = match &pipeline {
                    Err(error) => Err(error.to_string()),
                    Ok(pipeline) => self.check(&step, &candidate, pipeline, &seeds)?,
                };
                match (verdict, pipeline) {
                    (Ok(()), Ok(pipeline)) => right.push(Compiled { candidate, pipeline }),
                    (Err(reason), _) => failures.push(format!("{}: {reason}", candidate.linked.name)),
                    (Ok(()), Err(_)) => {}
                }
            }
        }
        Ok((right, failures))
    }

    /// Compiles side by side; one by one where any is refused, to learn which.
    fn pipelines(&self, part: &[(usize, Candidate)], requires: &Requires) -> Vec<Result<Pipeline, Error>> {
        let kernels: Vec<Kernel> = part.iter().map(|(_, candidate)| kernel(candidate)).collect();
        let linked = part.iter().map(|(_, candidate)| &candidate.linked);
        let mut sources = Vec::with_capacity(part.len());
        for (linked, kernel) in linked.zip(&kernels) {
            sources.push(Source { label: &linked.name, wgsl: &linked.text, requires, kernel });
        }
        match pollster::block_on(self.gpu.pipelines(&sources)) {
            Ok(pipelines) => pipelines.into_iter().map(Ok).collect(),
            Err(_) => {
                let alone = |source: &Source<'_>| pollster::block_on(self.gpu.pipelines(&[*source]));
                sources.iter().map(|source| alone(source).map(|mut one| one.remove(0))).collect()
            }
        }
    }

    /// Puts a step's operands into buffers.
    pub fn upload(&self, launch: &Launch, operands: &Operands) -> Result<Uploaded, Error> {
        let uniform = self.gpu.buffer("launch", 4 * launch.0.len() as u64, Usage::Uniform)?;
        self.gpu.write(&uniform, 0, bytemuck::cast_slice(&launch.0));
        let mut buffers = BTreeMap::new();
        for (name, words) in &operands.buffers {
            let buffer = self.gpu.buffer(name, 4 * words.len() as u64, Usage::Storage)?;
            self.gpu.write(&buffer, 0, bytemuck::cast_slice(words));
            buffers.insert(*name, buffer);
        }
        self.gpu.flush();
        pollster::block_on(self.gpu.settled())?;
        Ok(Uploaded { launch: uniform, buffers })
    }

    /// Runs a candidate on every seed. The outer error is the device's, the inner one the candidate's.
    fn check(
        &self,
        step: &Step,
        candidate: &Candidate,
        pipeline: &Pipeline,
        seeds: &[(Expected, Uploaded)],
    ) -> Result<Result<(), String>, Error> {
        let grid = candidate.linked.grid.each_ref().map(|size| size.eval(step.rows, step.pages));
        for (expected, uploaded) in seeds {
            let mut ranges = Vec::new();
            for binding in written(candidate) {
                let Some((name, words)) = expected.operands.buffers.get_key_value(binding.name.as_str()) else { continue };
                self.gpu.write(&uploaded.buffers[name], 0, bytemuck::cast_slice(words));
                ranges.push((*name, Range { buffer: &uploaded.buffers[name], offset: 0, size: 4 * words.len() as u64 }));
            }
            let group = uploaded.bind(&self.gpu, candidate, pipeline, |_, buffer| buffer)?;
            let mut pass = self.gpu.pass();
            pass.dispatch(pipeline, &group, grid);
            let readback = pass.submit_reading(&ranges.iter().map(|(_, range)| *range).collect::<Vec<_>>())?;
            let bytes = pollster::block_on(readback.bytes())?;
            let mut at = 0;
            for (name, range) in ranges {
                let end = at + range.size as usize;
                let found: Vec<u32> = bytemuck::pod_collect_to_vec(&bytes[at..end]);
                at = end;
                let Some(results) = expected.results.get(name) else {
                    return Ok(Err(format!("writes `{name}`, which the default does not")));
                };
                if let Err(reason) = compare(&step.spec, candidate.linked.half, name, &found, results) {
                    return Ok(Err(reason));
                }
            }
        }
        Ok(Ok(()))
    }

    fn record(&self, spec: &Spec, requires: Requires, steps: &[Step], right: &[Compiled], times: &[f64]) -> Record {
        let microseconds = |seconds: f64| (seconds * 1e9).round().max(1.0) / 1e3;
        let best = timing::winner(times);
        let linked = &right[best].candidate.linked;
        let count = steps.len() as u64;
        let bytes = steps.iter().map(Step::bytes).sum::<u64>() / count;
        // Those that were never timed have no place in a record.
        let others = right.iter().zip(times).enumerate().filter(|(index, (_, time))| *index != best && time.is_finite());
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
            others: others.map(|(_, (other, time))| (other.candidate.linked.name.clone(), microseconds(*time))).collect(),
        }
    }
}

impl Expected {
    fn of(step: &Step, seed: u64, writes: &[String]) -> Expected {
        let (launch, operands) = step.operands(seed);
        let mut results = operands.clone();
        reference::run(&step.spec, &launch, &mut results);
        results.buffers.retain(|name, _| writes.iter().any(|written| written == name));
        Expected { launch, operands, results: results.buffers }
    }
}

impl Uploaded {
    /// Binds a candidate's buffers; `instead` may put another in the place of any.
    pub fn bind<'a>(
        &'a self,
        gpu: &Gpu,
        candidate: &Candidate,
        pipeline: &Pipeline,
        instead: impl Fn(&str, &'a Buffer) -> &'a Buffer,
    ) -> Result<BindGroup, Error> {
        let missing = |name: &str| ErrorKind::Binding { label: name.to_owned(), reason: "the spec has no such operand".into() };
        let range = |binding: &KernelBinding| {
            let buffer = self.buffers.get(binding.name.as_str()).ok_or_else(|| missing(&binding.name))?;
            Ok(Range::whole(instead(&binding.name, buffer)))
        };
        let ranges = candidate.linked.bindings.iter().map(range).collect::<Result<Vec<_>, Error>>()?;
        gpu.bind(&candidate.linked.name, pipeline, Range { buffer: &self.launch, offset: 0, size: 32 }, &ranges)
    }
}

fn written(candidate: &Candidate) -> impl Iterator<Item = &KernelBinding> {
    candidate.linked.bindings.iter().filter(|binding| binding.writes)
}

fn kernel(candidate: &Candidate) -> Kernel {
    let linked = &candidate.linked;
    Kernel {
        name: linked.name.clone(),
        shader: 0,
        invocations: linked.invocations,
        workgroup_memory: linked.workgroup_memory,
        bindings: linked.bindings.clone(),
    }
}
