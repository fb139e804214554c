//! The kernels that draw ids, against the sampler of the runtime.
//!
//! Where they differ, rounding must explain it: see [`crate::draws`]. Top-k and min-p are no sums: where logits divide without a remainder,
//! they must be exact.

use std::collections::BTreeMap;

use tegula::model::forward::Drawing;
use tegula::sampler::Sampling;
use tegula_compiler::link::link;
use tegula_compiler::op::argmax::{ARGMAX_PARTS, ArgMax};
use tegula_compiler::op::draw::{Draw, DrawStage, scratch_words};
use tegula_compiler::op::{Rows, Spec};
use tegula_gpu::{Buffer, Gpu, Options, Range, Usage};
use tegula_plan::{Kernel, Requires, SAMPLING_WORDS, StepSize};

use crate::adapter;
use crate::draws::{Case, Random, is_explained, ordered, pick};

/// Sequences that are drawn for at once.
const ROWS: usize = 8;

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
