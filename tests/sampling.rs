//! The kernels that draw ids, against the sampler of the runtime.
//!
//! Both work in single precision, in different orders, so their sums differ by rounding. If a draw, or the end of the nucleus, is within
//! [`ROUNDING`] of a boundary between two ids, both ids are right. Anywhere else the ids must be the same. The tests work the boundaries
//! out in double precision. Top-k and min-p are no sums: if logits divide without a remainder, they must be exact.

use std::collections::BTreeMap;

use tegula::model::forward::Drawing;
use tegula::sampler::{Sampler, Sampling, draw};
use tegula_compiler::link::link;
use tegula_compiler::op::argmax::{ARGMAX_PARTS, ArgMax};
use tegula_compiler::op::draw::{Draw, DrawStage, scratch_words};
use tegula_compiler::op::{Rows, Spec};
use tegula_gpu::{Buffer, Gpu, Options, Range, Usage};
use tegula_plan::{Kernel, Requires, SAMPLING_WORDS, StepSize};

use crate::adapter;

/// By how much of all weights together sums differ.
const ROUNDING: f64 = 2e-6;

/// By how much of itself a weight differs.
const WEIGHT: f64 = 1e-5;

/// Sequences that are drawn for at once.
const ROWS: usize = 8;

/// What is drawn for a row.
struct Case {
    sampling: Sampling,
    counts: BTreeMap<u32, u32>,
    logits: Vec<f32>,
    ids: u32,
    position: u32,
}

/// The kernels over rows of so many logits.
struct Kernels {
    gpu: Gpu,
    vocab: u32,
    dispatches: Vec<(tegula_gpu::Pipeline, tegula_gpu::BindGroup, [u32; 3])>,
    buffers: BTreeMap<&'static str, Buffer>,
}

impl Kernels {
    fn new(gpu: &Gpu, vocab: u32) -> Kernels {
        Self::of(gpu, vocab, DrawStage::ALL.map(|stage| Spec::from(Draw { stage, vocab, rows: Rows::Few })))
    }

    /// Those that find the greatest logit.
    fn greedy(gpu: &Gpu, vocab: u32) -> Kernels {
        let rows = Rows::Few;
        Self::of(gpu, vocab, [ArgMax::Parts { vocab, rows }, ArgMax::Whole { rows }].map(Spec::from))
    }

    fn of(gpu: &Gpu, vocab: u32, specs: impl IntoIterator<Item = Spec>) -> Kernels {
        let words = |name| match name {
            "rows" => 4 * ROWS,
            "sampling" => SAMPLING_WORDS * ROWS,
            "scratch" => scratch_words(vocab) as usize * ROWS,
            "partial" => 2 * ARGMAX_PARTS as usize * ROWS,
            "logits" => vocab as usize * ROWS,
            "tokens" => 2 * vocab as usize * ROWS,
            _ => ROWS,
        };
        let names = ["rows", "sampling", "scratch", "partial", "logits", "tokens", "sampled"];
        let buffers = names.map(|name| (name, gpu.buffer(name, 4 * words(name) as u64, Usage::Storage).expect("memory")));
        let buffers = BTreeMap::from(buffers);
        let uniform = gpu.buffer("launch", 256, Usage::Uniform).expect("memory");
        gpu.write(&uniform, 0, bytemuck::cast_slice(&[ROWS as u32, 0, 0, 0, 0, 0, 0, 0]));
        let dispatch = |spec: Spec| {
            let linked = link(&spec, &Requires::default(), &spec.default_schedule(&Requires::default())).expect("it links");
            let (name, bindings) = (linked.name, linked.bindings);
            let (invocations, workgroup_memory) = (linked.invocations, linked.workgroup_memory);
            let kernel = Kernel { name, shader: 0, invocations, workgroup_memory, bindings };
            let pipeline =
                pollster::block_on(gpu.pipeline(&kernel.name, &linked.text, &Requires::default(), &kernel)).expect("it compiles");
            let ranges: Vec<_> = kernel.bindings.iter().map(|binding| Range::whole(&buffers[binding.name.as_str()])).collect();
            let group = gpu.bind(&kernel.name, &pipeline, Range { buffer: &uniform, offset: 0, size: 32 }, &ranges).expect("it binds");
            (pipeline, group, linked.grid.map(|size| size.eval(&StepSize::singles(ROWS as u32, 1))))
        };
        let dispatches = specs.into_iter().map(dispatch).collect();
        Kernels { gpu: gpu.clone(), vocab, dispatches, buffers }
    }

    fn write<T: bytemuck::NoUninit>(&self, name: &str, words: &[T]) {
        self.gpu.write(&self.buffers[name], 0, bytemuck::cast_slice(words));
    }

    /// The ids of rows, and how often each answer has each id then.
    fn draw(&self, cases: &[Case]) -> (Vec<u32>, Vec<u32>) {
        assert_eq!(cases.len(), ROWS);
        let drawings = cases.iter().map(|case| Drawing { sampling: &case.sampling, counts: &case.counts, active: case.ids });
        let drawings: Vec<_> = drawings.collect();
        self.write("rows", &(0..).zip(cases).map(|(sequence, case)| [0, case.position - 1, 0, sequence]).collect::<Vec<_>>().concat());
        self.write("sampling", &drawings.iter().flat_map(Drawing::words).collect::<Vec<_>>());
        self.write("tokens", &drawings.iter().flat_map(|drawing| drawing.tokens(self.vocab)).flatten().collect::<Vec<_>>());
        self.write("logits", &cases.iter().flat_map(|case| case.logits.clone()).collect::<Vec<_>>());
        let mut pass = self.gpu.pass();
        for (pipeline, group, grid) in &self.dispatches {
            pass.dispatch(pipeline, group, *grid);
        }
        pass.submit();
        let read = |name: &str, words: usize| {
            let bytes = pollster::block_on(self.gpu.read(&self.buffers[name], 0, 4 * words as u64)).expect("bytes");
            bytemuck::pod_collect_to_vec::<u8, u32>(&bytes)
        };
        let tokens = read("tokens", 2 * self.vocab as usize * ROWS);
        (read("sampled", ROWS), tokens.into_iter().step_by(2).collect())
    }
}

/// The weights of a row in the order in which they are walked, by id, and the greatest weight is 1.
fn ordered(case: &Case) -> Vec<(f64, u32)> {
    let Sampling { temperature, presence_penalty, frequency_penalty, repetition_penalty, .. } = case.sampling;
    let mut logits: Vec<f64> = case.logits[..case.ids as usize].iter().map(|&logit| f64::from(logit)).collect();
    for (&id, &count) in &case.counts {
        let Some(logit) = logits.get_mut(id as usize) else { continue };
        let repetition = f64::from(repetition_penalty);
        *logit = if *logit > 0.0 { *logit / repetition } else { *logit * repetition };
        *logit -= f64::from(presence_penalty) + f64::from(count) * f64::from(frequency_penalty);
    }
    for &(id, bias) in &case.sampling.logit_bias {
        if let Some(logit) = logits.get_mut(id as usize) {
            *logit += f64::from(bias);
        }
    }
    let greatest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weight = |logit: f64| ((logit - greatest) / f64::from(temperature)).exp();
    let mut weights: Vec<(f64, u32)> = logits.into_iter().map(weight).zip(0..).collect();
    if case.sampling.top_p < 1.0 || case.top_k().is_some() {
        weights.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    }
    weights
}

impl Case {
    /// So many ids at most, unless there are no more anyway.
    fn top_k(&self) -> Option<usize> {
        (1..self.ids).contains(&self.sampling.top_k).then_some(self.sampling.top_k as usize)
    }

    /// Whether min-p may leave a weight, and whether it must: the greatest is exact.
    fn min_p_leaves(&self, weight: f64) -> (bool, bool) {
        let least = f64::from(self.sampling.min_p);
        (weight >= least * (1.0 - WEIGHT), weight == 1.0 || weight >= least * (1.0 + WEIGHT))
    }
}

/// Whether rounding alone can lead to an id. The greatest logit needs none.
fn is_explained(case: &Case, id: u32) -> bool {
    if case.sampling.is_greedy() {
        return pick(case) == Some(id);
    }
    let all = ordered(case);
    let total: f64 = all[..case.top_k().unwrap_or(all.len())].iter().map(|(weight, _)| weight).sum();
    let slack = ROUNDING * total;
    let fraction = f64::from(draw(case.sampling.seed, case.position));
    let at = all.iter().position(|&(_, other)| other == id).expect("the id is of the vocabulary");
    // What is as likely but for rounding may come before the id or behind it. What is exactly as likely goes by id.
    let own = all[at].0;
    let alike = |&&(weight, _): &&(f64, u32)| weight != own && (weight - own).abs() <= WEIGHT * own;
    let before: f64 = all[..at].iter().filter(|other| !alike(other)).map(|(weight, _)| weight).sum();
    let (least, most) = (before - slack, before + own + slack + all.iter().filter(alike).map(|(weight, _)| weight).sum::<f64>());
    if !case.sampling.is_nucleus() || (case.sampling.top_p >= 1.0 && case.top_k().is_none()) {
        // What min-p must leave, and what it may.
        let sums = |all: &[(f64, u32)]| {
            let sum = |must: bool| {
                all.iter()
                    .map(|&(weight, _)| weight)
                    .filter(|&weight| {
                        let (may, has_to) = case.min_p_leaves(weight);
                        if must { has_to } else { may }
                    })
                    .sum::<f64>()
            };
            (sum(true), sum(false))
        };
        let ((before, before_most), (total, total_most)) = (sums(&all[..at]), sums(&all));
        return case.min_p_leaves(own).0 && before - slack <= fraction * total_most && fraction * total <= before_most + own + slack;
    }
    // Where the nucleus may end.
    let mass = if case.sampling.top_p < 1.0 { f64::from(case.sampling.top_p) * total } else { f64::INFINITY };
    let mut running = 0.0;
    for (index, &(weight, _)) in all.iter().enumerate() {
        running += weight;
        let next = all.get(index + 1).filter(|_| case.top_k() != Some(index + 1)).map(|&(weight, _)| case.min_p_leaves(weight));
        let (goes_on, must_go_on) = next.unwrap_or((false, false));
        if running >= mass - slack || !must_go_on {
            if (least..=most).contains(&(fraction * running)) && least < running {
                return true;
            }
            if running >= mass + slack || !goes_on {
                return false;
            }
        }
    }
    false
}

/// Seeded numbers: SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 on, less than 1.
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[(self.next() % of.len() as u64) as usize]
    }

    /// Flat, peaked and coarse rows, rows where likely ids lie side by side, and some where ids are impossible.
    fn logits(&mut self, vocab: u32) -> Vec<f32> {
        let (shape, scale) = (self.next() % 6, self.pick(&[0.01f32, 1.0, 4.0, 12.0]));
        let mut logits: Vec<f32> = (0..vocab).map(|_| (self.unit() + self.unit() + self.unit() - 1.5) * 2.0 * scale).collect();
        match shape {
            0 => logits.iter_mut().for_each(|logit| *logit = logit.round()),
            1 => logits.iter_mut().zip(0..).for_each(|(logit, id)| *logit -= id as f32 * 0.05),
            2 => logits.iter_mut().step_by(3).for_each(|logit| *logit = f32::NEG_INFINITY),
            3 => logits.fill(-7.25),
            _ => {}
        }
        logits
    }

    /// A few levels of logits, with limits at and beside them.
    fn coarse(&mut self, vocab: u32) -> Case {
        let (temperature, step) = (self.pick(&[0.5, 1.0, 2.0]), self.pick(&[0.0, 0.0625, 0.5, 1.0]));
        let levels = self.pick(&[1, 2, 7, 50]);
        let logits = (0..vocab).map(|_| (self.next() % levels) as f32 * step - 3.0).collect();
        let level = (self.next() % levels) as f32 * step / temperature;
        let min_p = self.pick(&[0.0, 1.0, 0.999_999, 1.000_001]) * (-level).exp();
        let top_k = self.pick(&[0, 2, 3, 30, 50, 51, 52, vocab / 2, vocab / 7, vocab - 1]);
        let sampling = Sampling {
            temperature,
            top_p: self.pick(&[1.0, 1.0, 0.999_999, 0.5]),
            top_k,
            min_p: min_p.min(1.0),
            seed: self.next(),
            ..Sampling::default()
        };
        Case { sampling, counts: BTreeMap::new(), logits, ids: vocab, position: 1 + (self.next() % 9000) as u32 }
    }

    fn case(&mut self, vocab: u32) -> Case {
        let mut sampling = Sampling {
            temperature: self.pick(&[0.0, 1e-6, 0.2, 0.7, 1.0, 1.0, 1.5, 3.0, 100.0]),
            top_p: self.pick(&[0.0, 0.1, 0.5, 0.9, 0.95, 0.999, 0.999_999, 1.0, 1.0, 1.0]),
            top_k: self.pick(&[0, 0, 0, 0, 1, 2, 5, 40, 200, vocab - 6, vocab - 5, vocab, u32::MAX]),
            min_p: self.pick(&[0.0, 0.0, 0.0, 0.0, 1e-9, 0.02, 0.1, 0.5, 0.95, 1.0]),
            seed: self.next(),
            ..Sampling::default()
        };
        let mut counts = BTreeMap::new();
        if self.next().is_multiple_of(2) {
            sampling.presence_penalty = self.pick(&[0.0, 0.3, -1.1, 2.0]);
            sampling.frequency_penalty = self.pick(&[0.0, 0.4, -0.3, 1.7]);
            sampling.repetition_penalty = self.pick(&[1.0, 1.1, 0.8, 3.0]);
            counts.extend((0..self.next() % 60).map(|_| ((self.next() % u64::from(vocab)) as u32, 1 + (self.next() % 9) as u32)));
        }
        if self.next().is_multiple_of(3) {
            let bias = |random: &mut Random| ((random.next() % u64::from(vocab)) as u32, random.unit() * 200.0 - 100.0);
            sampling.logit_bias.extend((0..self.next() % 10).map(|_| bias(self)));
        }
        let ids = self.pick(&[vocab, vocab, vocab - 5]);
        Case { sampling, counts, logits: self.logits(vocab), ids, position: 1 + (self.next() % 9000) as u32 }
    }
}

fn pick(case: &Case) -> Option<u32> {
    Sampler::default().pick(&mut case.logits[..case.ids as usize].to_vec(), &case.sampling, &case.counts, case.position)
}

/// Draws random cases on rows of so many logits.
fn check(gpu: &Gpu, vocab: u32, rounds: u64) {
    let kernels = Kernels::new(gpu, vocab);
    let mut differ = 0;
    for round in 0..rounds {
        let mut random = Random(round << 32 | u64::from(vocab));
        let cases: Vec<Case> = (0..ROWS).map(|_| random.case(vocab)).collect();
        let (ids, counts) = kernels.draw(&cases);
        for (row, (case, id)) in cases.iter().zip(ids).enumerate() {
            let what = || format!("{:?} at {} of {vocab}, round {round}, row {row}", case.sampling, case.position);
            let expected = pick(case).expect("there are numbers");
            assert!(id < case.ids, "{id}, not {expected}: {}", what());
            if id != expected {
                differ += 1;
                assert!(is_explained(case, id), "{id}, not {expected}: {}", what());
            }
            let counted = counts[row * vocab as usize + id as usize];
            let before = case.counts.get(&id).copied().unwrap_or(0);
            assert_eq!(counted, before + u32::from(case.sampling.adjusts()), "{}", what());
        }
    }
    eprintln!("{differ} of {} draws from {vocab} ids differ on {}, all by rounding", rounds * ROWS as u64, gpu.info().name);
}

#[test]
fn the_gpu_draws_as_the_sampler_does() {
    let Some(gpu) = adapter(&Options { baseline: true, adapter: None }) else { return };
    check(&gpu, 361, 200);
    check(&gpu, 32_003, 20);
    check(&gpu, 151_936, 6);
}

/// Many ids are equally likely, limits fall among them, and nothing is rounded before it is compared.
#[test]
fn top_k_and_min_p_are_exact_where_ids_are_as_likely() {
    let Some(gpu) = adapter(&Options { baseline: true, adapter: None }) else { return };
    for (vocab, rounds) in [(361, 60), (32_003, 6)] {
        let kernels = Kernels::new(&gpu, vocab);
        let mut random = Random(vocab.into());
        for _ in 0..rounds {
            let cases: Vec<Case> = (0..ROWS).map(|_| random.coarse(vocab)).collect();
            let (ids, _) = kernels.draw(&cases);
            for (case, id) in cases.iter().zip(ids) {
                let Sampling { temperature, top_k, .. } = case.sampling;
                let logits = &case.logits[..case.ids as usize];
                let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let depth = |logit: f32| ((greatest - logit) / temperature * 16_777_216.0) as u32;
                let place = (depth(logits[id as usize]), id);
                let before = logits.iter().zip(0..).filter(|&(&logit, other)| (depth(logit), other) < place).count();
                assert!(top_k == 0 || before < top_k as usize, "{before} ids are likelier than {id}: {:?}", case.sampling);
                assert!(place.0 <= case.sampling.deepest(), "{id} is too deep: {:?}", case.sampling);
                assert!(is_explained(case, id), "{id}, not {:?}: {:?}", pick(case), case.sampling);
            }
        }
    }
}

/// The check above must not explain everything.
#[test]
fn only_neighbours_of_a_boundary_are_explained() {
    let (mut explained, mut others) = (0, 0);
    for round in 0..300 {
        let case = Random(round).case(361);
        let expected = pick(&case).expect("there are numbers");
        assert!(is_explained(&case, expected), "{:?}", case.sampling);
        let weights = ordered(&case);
        let total: f64 = weights.iter().map(|(weight, _)| weight).sum();
        let distinct = weights.iter().filter(|&&(weight, id)| weight / total > 1e-3 && id != expected).map(|&(_, id)| id);
        for id in distinct.take(20) {
            others += 1;
            explained += u32::from(is_explained(&case, id));
        }
    }
    eprintln!("{explained} of {others} other ids are explained");
    assert!(explained * 50 < others);
}

#[test]
fn what_is_not_a_number_is_not_drawn() {
    let Some(gpu) = adapter(&Options { baseline: true, adapter: None }) else { return };
    let kernels = Kernels::new(&gpu, 361);
    let case = |logits: Vec<f32>, top_p, temperature| Case {
        sampling: Sampling { top_p, temperature, ..Sampling::default() },
        counts: BTreeMap::new(),
        logits,
        ids: 360,
        position: 3,
    };
    let with = |id: usize, value: f32| {
        let mut logits = vec![1.0; 361];
        logits[id] = value;
        logits
    };
    let cases = vec![
        case(with(359, f32::NAN), 1.0, 1.0),
        case(with(0, f32::NAN), 0.5, 1.0),
        case(with(17, -f32::NAN), 0.5, 0.0),
        case(with(17, f32::INFINITY), 0.5, 1.0),
        case(vec![f32::NEG_INFINITY; 361], 1.0, 1.0),
        case(with(360, f32::NAN), 0.5, 1.0),
        case(with(17, f32::NEG_INFINITY), 0.5, 1.0),
        case(with(17, f32::MAX), 0.5, 1.0),
    ];
    let (ids, _) = kernels.draw(&cases);
    for (case, id) in cases.iter().zip(ids) {
        assert_eq!(pick(case).unwrap_or(u32::MAX), id);
    }
    // Greedily as well, over all ids: these kernels know of none that mean nothing.
    let (ids, _) = Kernels::greedy(&gpu, 361).draw(&cases);
    for (case, id) in cases.into_iter().zip(ids) {
        let greedy = Case { sampling: Sampling::greedy(), ids: 361, ..case };
        assert_eq!(pick(&greedy).unwrap_or(u32::MAX), id, "{:?}", &greedy.logits[..20]);
    }
}
