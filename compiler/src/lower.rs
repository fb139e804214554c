//! Lowering: from stages to dispatches.
//!
//! The same stages are lowered once for every entry and every device class. An entry settles how many rows there are, whether attention is
//! split and which rows get logits; a device class settles the kernels. What remains are the launch words and where things are bound.

mod kernels;
mod scratch;

use crate::fuse::Fused;
use crate::graph::{Graph, OpKind, Value};
use crate::memory::{self, Touch};
use crate::op::stage::{At, Form, Target, Work};
use crate::op::{Rows, Spec};
use crate::range::{range, with_rows};
use crate::tune::{Choice, Tally};
use crate::weights::Weights;
use crate::{Error, ErrorKind};
use kernels::{Kernels, Scheduled};
use scratch::{Scratch, place};
use std::collections::BTreeMap;
use tegula_plan::{
    Activations, Alternative, Binding, Buffer, Dispatch, Dtype, Entry, MAX_BINDING, Model, PAGE_SIZE, Plan, Requires, Size, Variant, When,
};

/// Bytes of logits that `score` makes at a time at most: enough to keep a GPU busy, and little beside the weights.
const SCORE_LOGITS: u64 = 32 << 20;

/// The most workgroups of a dispatch in each direction on every device.
const MAX_WORKGROUPS: u32 = 65_535;

/// Device classes, the most demanding first. The first two are for models that are stored in half precision: others keep to their own.
const VARIANTS: [(&str, Requires); 4] = [
    ("matrix", Requires { subgroups: true, f16: true, matrix: true }),
    ("f16", Requires { subgroups: true, f16: true, matrix: false }),
    ("subgroups", Requires { subgroups: true, f16: false, matrix: false }),
    ("baseline", Requires { subgroups: false, f16: false, matrix: false }),
];

/// How an entry is lowered.
pub(crate) struct Mode {
    name: &'static str,
    max_rows: u32,
    /// What kernels are made for.
    pub rows: Rows,
    /// Whether attention cuts sequences into parts: where there are too few rows to fill a GPU.
    pub split: bool,
    /// Whether only the last row gets logits. Then it alone goes on behind the last attention, which was what needed the others.
    last: bool,
    /// Whether logits are sampled from.
    pub sample: bool,
}

impl Mode {
    /// Kernels for the rows that get logits.
    pub(crate) fn head_rows(&self) -> Rows {
        if self.last { Rows::One } else { self.rows }
    }

    /// Kernels for the rows whose ids are picked.
    pub(crate) fn picked_rows(&self) -> Rows {
        if self.last { Rows::One } else { Rows::Few }
    }

    /// The first row that gets logits.
    pub(crate) fn head_first(&self) -> Size {
        if self.last { Size::Rows.minus(1) } else { Size::Const(0) }
    }

    /// The most rows that get logits.
    fn head_most(&self) -> u32 {
        if self.last { 1 } else { self.max_rows }
    }
}

fn modes(model: &Model) -> Vec<Mode> {
    let (chunk, batch) = (model.prefill_chunk_size, model.max_batch_size);
    let score = (SCORE_LOGITS / (4 * u64::from(model.vocab_size))).clamp(1, chunk.into()) as u32;
    let mut modes = vec![
        Mode { name: "prefill", max_rows: chunk, rows: Rows::Many, split: false, last: true, sample: true },
        Mode { name: "decode", max_rows: 1, rows: Rows::One, split: true, last: true, sample: true },
    ];
    if batch > 1 {
        modes.push(Mode { name: "batch", max_rows: batch, rows: Rows::Few, split: true, last: false, sample: true });
    }
    modes.push(Mode { name: "score", max_rows: score, rows: Rows::Many, split: false, last: false, sample: false });
    modes
}

/// The most rows of which every activation fits in a binding.
pub(crate) struct Limits {
    /// Of a prefill step.
    pub chunk: u32,
    /// Of a batch.
    pub batch: u32,
}

impl Limits {
    pub(crate) fn of(graph: &Graph, stages: &[Fused], context: u32) -> Limits {
        let logits = logits(graph, stages);
        let is_head = |value| Some(value) == logits || is_picked(graph, value);
        let fit = |split: bool| {
            // A prefill step makes logits for a single row, and picks one id.
            let made = stages.iter().flat_map(|fused| fused.stage.makes(graph, split));
            let widest = made.filter(|&(value, _)| split || !is_head(value)).map(|(_, row)| row).max().unwrap_or(1);
            u32::try_from(MAX_BINDING / widest).unwrap_or(u32::MAX)
        };
        let page_table = u64::from(context.div_ceil(PAGE_SIZE)) * 4;
        let tokens = u64::from(graph.vocab_size) * 8;
        Limits { chunk: fit(false), batch: fit(true).min((MAX_BINDING / page_table.max(tokens)) as u32) }
    }

    /// `chunk`, where it fits.
    pub(crate) fn check_chunk(&self, chunk: u32) -> Result<u32, Error> {
        within("prefill_chunk_size", chunk, self.chunk)
    }

    /// `batch`, where it fits.
    pub(crate) fn check_batch(&self, batch: u32) -> Result<u32, Error> {
        within("max_batch_size", batch, self.batch)
    }
}

fn within(setting: &'static str, asked: u32, fits: u32) -> Result<u32, Error> {
    if asked <= fits { Ok(asked) } else { Err(ErrorKind::StepTooLarge { setting, asked, fits }.into()) }
}

/// The value that ids are picked from, where a stage makes it.
fn logits(graph: &Graph, stages: &[Fused]) -> Option<Value> {
    let read = graph.ops.iter().find_map(|op| match op.kind {
        OpKind::ArgMax { input } => Some(input),
        _ => None,
    })?;
    stages.iter().any(|fused| fused.stage.makes(graph, false).iter().any(|&(value, _)| value == read)).then_some(read)
}

/// Whether a value has rows only for what ids are picked for.
fn is_picked(graph: &Graph, value: Value) -> bool {
    matches!(graph.op(value).kind, OpKind::ArgMax { .. })
}

/// A lowered model.
pub(crate) struct Lowered {
    pub plan: Plan,
    /// The texts of its kernels.
    pub shaders: Vec<String>,
    /// What they compute, each once for every device class that has it.
    pub specs: Vec<(Requires, Spec)>,
    /// Where their schedules came from, over all device classes.
    pub tally: Tally,
}

/// Lowers a model.
pub(crate) fn lower(graph: &Graph, stages: &[Fused], weights: Weights, model: Model, choice: Choice<'_>) -> Result<Lowered, Error> {
    let modes = modes(&model);
    let logits_rows = modes.iter().map(Mode::head_most).max().unwrap_or(1);
    let mut lowering = Lowering {
        graph,
        stages,
        weights,
        model,
        logits: logits(graph, stages),
        tail: graph.ops.iter().rposition(|op| matches!(op.kind, OpKind::Attention { .. })).map(Value),
        logits_rows,
        buffers: Vec::new(),
        buffer_indices: BTreeMap::new(),
        shaders: Vec::new(),
        specs: Vec::new(),
        choice,
        tally: Tally::default(),
    };
    let half = lowering.model.cache == Dtype::F16;
    let variants = VARIANTS.iter().filter(|(_, requires)| half || !requires.f16);
    let variants = variants.map(|&(name, requires)| lowering.variant(name, requires, &modes)).collect::<Result<_, _>>()?;
    let Lowering { weights, model, buffers, shaders, specs, tally, .. } = lowering;
    Ok(Lowered { plan: Plan { model, params: weights.params, vectors: weights.vectors, buffers, variants }, shaders, specs, tally })
}

/// What all entries and device classes share.
struct Lowering<'a> {
    graph: &'a Graph,
    stages: &'a [Fused],
    weights: Weights,
    model: Model,
    logits: Option<Value>,
    /// The last attention: behind it, a row needs no other.
    tail: Option<Value>,
    /// Rows of the logits buffer.
    logits_rows: u32,
    buffers: Vec<Buffer>,
    buffer_indices: BTreeMap<BufferKey, u32>,
    shaders: Vec<String>,
    specs: Vec<(Requires, Spec)>,
    choice: Choice<'a>,
    tally: Tally,
}

/// What tells buffers apart, in an order of some kind.
type BufferKey = (u8, u64, u64, u64);

fn key(buffer: &Buffer) -> BufferKey {
    match *buffer {
        Buffer::Weight(param) => (0, param.into(), 0, 0),
        Buffer::Vectors => (1, 0, 0, 0),
        Buffer::Cache(layer) => (2, layer.into(), 0, 0),
        Buffer::Rows => (3, 0, 0, 0),
        Buffer::PageTable => (4, 0, 0, 0),
        Buffer::Activation { arena, offset, bytes } => (5, arena.into(), offset, bytes),
        Buffer::Logits { rows } => (6, rows.into(), 0, 0),
        Buffer::Sampled => (7, 0, 0, 0),
        Buffer::Sampling => (8, 0, 0, 0),
        Buffer::Tokens => (9, 0, 0, 0),
    }
}

/// A dispatch whose activations have no place yet.
struct Draft {
    label: String,
    kernel: u32,
    targets: Vec<Target>,
    grid: [Size; 3],
    when: When,
    uniforms: [Size; tegula_plan::LAUNCH_WORDS],
    alternative: Option<Alternative>,
}

impl<'a> Lowering<'a> {
    fn variant(&mut self, name: &str, requires: Requires, modes: &[Mode]) -> Result<Variant, Error> {
        let mut kernels = Kernels::new(requires, self.choice);
        let entries = modes.iter().map(|mode| self.entry(mode, &requires, &mut kernels)).collect::<Result<_, _>>()?;
        self.tally.add(&kernels.tally);
        self.specs.extend(kernels.specs().into_iter().map(|spec| (requires, spec)));
        let activations = self.activations(&requires);
        Ok(Variant { name: name.into(), requires, activations, kernels: kernels.list, choices: kernels.choices, entries })
    }

    fn entry(&mut self, mode: &Mode, requires: &Requires, kernels: &mut Kernels<'a>) -> Result<Entry, Error> {
        let mut scratch = Scratch::default();
        let mut drafts = Vec::new();
        let mut works = 0;
        for Fused { label, root, stage } in self.stages {
            let at = At {
                graph: self.graph,
                weights: &self.weights,
                model: &self.model,
                mode,
                requires,
                activations: self.activations(requires),
                tail: self.tail.is_none_or(|last| *root > last),
                logits: self.logits,
                logits_rows: self.logits_rows,
            };
            for work in stage.works(label, &at)? {
                // Only one of several alternatives runs, so that all of them are one moment in the lives of activations.
                for draft in self.drafts(&work, mode, kernels)? {
                    let written = kernels.list[draft.kernel as usize].bindings.iter().map(|binding| binding.writes);
                    for (target, writes) in draft.targets.iter().zip(written) {
                        if let Target::Activation { row_bytes, form, .. } = target {
                            let rows = if *form == Form::Picked { mode.head_most() } else { mode.max_rows };
                            scratch.touch(place(target), u64::from(rows) * row_bytes, Touch { dispatch: works, writes });
                        }
                    }
                    drafts.push(draft);
                }
                works += 1;
            }
        }
        let places = memory::place(&scratch.activations);
        let dispatches = drafts.into_iter().map(|draft| {
            let Draft { label, kernel, targets, grid, when, uniforms, alternative } = draft;
            let bindings = targets.into_iter().map(|target| match target {
                Target::Part(buffer, binding) => Binding { buffer: self.buffer(buffer), ..binding },
                Target::Whole(buffer) => Binding { buffer: self.buffer(buffer), offset: 0, size: 0 },
                Target::Activation { .. } => {
                    let index = scratch.index(place(&target)).expect("every activation was touched above");
                    let memory::Place { arena, offset } = places[index];
                    let bytes = scratch.activations[index].bytes;
                    Binding { buffer: self.buffer(Buffer::Activation { arena, offset, bytes }), offset: 0, size: 0 }
                }
            });
            Dispatch { label, kernel, bindings: bindings.collect(), grid, when, uniforms, alternative }
        });
        let dispatches = dispatches.collect();
        Ok(Entry { name: mode.name.into(), max_rows: mode.max_rows, dispatches })
    }

    /// What matrix multiplications of many rows take activations as. Matrix units keep to halves: they multiply those several times as fast as other units multiply
    /// anything, so that int8 would only cost them precision.
    fn activations(&self, requires: &Requires) -> Activations {
        if requires.matrix { Activations::Float } else { self.model.activations }
    }

    /// Index of a buffer in the plan.
    fn buffer(&mut self, buffer: Buffer) -> u32 {
        *self.buffer_indices.entry(key(&buffer)).or_insert_with(|| {
            self.buffers.push(buffer);
            self.buffers.len() as u32 - 1
        })
    }

    /// Finds the kernels of a piece of work, and puts its operands in the order of each.
    fn drafts(&mut self, work: &Work, mode: &Mode, kernels: &mut Kernels<'a>) -> Result<Vec<Draft>, Error> {
        let scheduled = kernels.kernels(&work.spec, &mut self.shaders)?;
        scheduled.iter().map(|scheduled| self.draft(work, mode, scheduled)).collect()
    }

    fn draft(&self, work: &Work, mode: &Mode, scheduled: &Scheduled) -> Result<Draft, Error> {
        let Scheduled { linked, kernel, alternative } = scheduled;
        let operand = |name: &str| work.operands.iter().find(|(operand, _)| *operand == name).map(|(_, target)| target.clone());
        let targets = linked.bindings.iter().map(|binding| {
            operand(&binding.name).ok_or_else(|| {
                let reason = format!("it binds `{}`, which `{}` does not have", binding.name, work.label);
                Error::from(ErrorKind::Template { template: linked.name.clone(), reason })
            })
        });
        // An entry of one row knows all but the pages.
        let known = |size: &Size| if mode.max_rows == 1 { with_rows(size, 1) } else { size.clone() };
        let draft = Draft {
            kernel: *kernel,
            targets: targets.collect::<Result<_, _>>()?,
            grid: linked.grid.each_ref().map(known),
            when: work.spec.when(),
            uniforms: work.launch.words().each_ref().map(known),
            label: work.label.clone(),
            alternative: *alternative,
        };
        self.check(&draft, mode)?;
        Ok(draft)
    }

    /// The largest step stays within 32 bits and within the limits of a dispatch.
    fn check(&self, draft: &Draft, mode: &Mode) -> Result<(), Error> {
        let refuse = |what: &str| Err(ErrorKind::Launch { label: draft.label.clone(), what: what.into() }.into());
        let most = |size: &Size| range(size, mode.max_rows, self.model.pages_per_sequence()).map(|(_, most)| most);
        if !draft.uniforms.iter().all(|word| most(word).is_some()) {
            return refuse("launch words of more than 32 bits");
        }
        if !draft.grid.iter().all(|size| most(size).is_some_and(|groups| groups <= MAX_WORKGROUPS)) {
            return refuse(&format!("more than {MAX_WORKGROUPS} workgroups in one direction"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
