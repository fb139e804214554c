//! Lowering: from stages to dispatches.
//!
//! The same stages are lowered once for every entry and every device class. An entry settles how many rows there are, whether attention is
//! split and which rows get logits; a device class settles the kernels. What remains are the launch words and where things are bound.

mod kernels;
mod mode;
mod scratch;
mod work;

use crate::graph::{Graph, Value};
use crate::memory::{self, Touch};
use crate::pass::{Stage, StageKind};
use crate::range::range;
use crate::spec::draw::scratch_words;
use crate::spec::{ARGMAX_PARTS, Draw, DrawStage, MAX_SPLITS, Spec, byte_row_words};
use crate::tune::{Choice, Tally};
use crate::weights::Weights;
use crate::{Error, ErrorKind};
use kernels::{Kernels, Scheduled};
use mode::{Attends, Mode, modes};
use scratch::{Scratch, place_key};
use std::collections::BTreeMap;
use tegula_plan::{
    Activations, Alternative, Binding, Buffer, Dispatch, Dtype, Entry, MAX_BINDING, Model, PAGE_SIZE, Plan, Requires, Size, StepSize,
    Variant, When,
};
use work::{Target, Work};

/// The most workgroups of a dispatch in each direction on every device.
const MAX_WORKGROUPS: u32 = 65_535;

/// Device classes, the most demanding first. The first two are for models that are stored in half precision: others keep to their own.
const VARIANTS: [(&str, Requires); 4] = [
    ("matrix", Requires { subgroups: true, f16: true, matrix: true }),
    ("f16", Requires { subgroups: true, f16: true, matrix: false }),
    ("subgroups", Requires { subgroups: true, f16: false, matrix: false }),
    ("baseline", Requires { subgroups: false, f16: false, matrix: false }),
];

/// Bytes that a value takes for each row, and those of parts for each row that attention cuts into parts.
fn row_bytes(graph: &Graph, value: Value) -> (u64, u64) {
    use crate::graph::OpKind::{ArgMax, Attention, Norm};
    let op = graph.op(value);
    let width = u64::from(op.width);
    match op.kind {
        Attention { .. } => (4 * width, 4 * u64::from(graph.heads.query) * u64::from(MAX_SPLITS) * u64::from(graph.heads.dim + 4)),
        // Norms that are stored are stored in half precision.
        Norm { .. } => (2 * width, 0),
        // The scratch of drawing is that of the greatest logit before.
        ArgMax { .. } => (4 * scratch_words(graph.vocab_size).max(2 * u64::from(ARGMAX_PARTS)), 0),
        _ => (4 * width, 0),
    }
}

/// The most rows of which every activation fits in a binding.
pub(crate) struct Limits {
    /// Of a batch.
    pub batch: u32,
    /// What values take that all rows of a prefill step have, as [`row_bytes`] gives it.
    values: Vec<(u64, u64)>,
}

impl Limits {
    pub(crate) fn of(graph: &Graph, stages: &[Stage], context: u32) -> Limits {
        let logits = logits(stages);
        let is_head = |value| Some(value) == logits || matches!(graph.op(value).kind, crate::graph::OpKind::ArgMax { .. });
        let makes = || stages.iter().flat_map(Stage::makes);
        let widest = makes().map(|value| row_bytes(graph, value)).map(|(row, parts)| row + parts).max().unwrap_or(1);
        let page_table = u64::from(context.div_ceil(PAGE_SIZE)) * 4;
        let tokens = u64::from(graph.vocab_size) * 8;
        let batch = (MAX_BINDING / widest.max(page_table).max(tokens)) as u32;
        // A prefill step makes logits for no more rows than a batch has.
        Limits { batch, values: makes().filter(|&value| !is_head(value)).map(|value| row_bytes(graph, value)).collect() }
    }

    /// Rows of a prefill step beside batches of so many.
    pub(crate) fn chunk(&self, batch: u32) -> u32 {
        let fit = |&(row, parts): &(u64, u64)| MAX_BINDING.saturating_sub(u64::from(batch) * parts) / row.max(1);
        self.values.iter().map(fit).min().map_or(u32::MAX, |rows| u32::try_from(rows).unwrap_or(u32::MAX))
    }

    /// `chunk`, where it fits.
    pub(crate) fn check_chunk(&self, chunk: u32, batch: u32) -> Result<u32, Error> {
        within("prefill_chunk_size", chunk, self.chunk(batch))
    }

    /// `batch`, where it fits.
    pub(crate) fn check_batch(&self, batch: u32) -> Result<u32, Error> {
        within("max_batch_size", batch, self.batch)
    }
}

fn within(setting: &'static str, asked: u32, fits: u32) -> Result<u32, Error> {
    if asked <= fits { Ok(asked) } else { Err(ErrorKind::StepTooLarge { setting, asked, fits }.into()) }
}

/// The value that greedy sampling reads.
fn logits(stages: &[Stage]) -> Option<Value> {
    stages.iter().find_map(|stage| match stage.kind {
        StageKind::ArgMax { logits, .. } => Some(logits),
        _ => None,
    })
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
pub(crate) fn lower(graph: &Graph, stages: &[Stage], mut weights: Weights, model: Model, choice: Choice<'_>) -> Result<Lowered, Error> {
    let frequencies = stages.iter().find_map(|stage| match &stage.kind {
        StageKind::Embed { frequencies, .. } => Some(frequencies),
        _ => None,
    });
    let frequencies = weights.values(frequencies.map_or(&[][..], Vec::as_slice))?;
    let logits_rows = modes(&model, Activations::Float).iter().map(Mode::most_read).max().unwrap_or(1);
    let mut lowering = Lowering {
        graph,
        stages,
        weights,
        model,
        frequencies,
        logits: logits(stages),
        tail: stages.iter().rposition(|stage| matches!(stage.kind, StageKind::Attention { .. })).map_or(0, |last| last + 1),
        logits_rows,
        buffers: Vec::new(),
        buffer_indices: BTreeMap::new(),
        shaders: Vec::new(),
        specs: Vec::new(),
        choice,
        tally: Tally::default(),
    };
    let half = lowering.cache() == Dtype::F16;
    let variants = VARIANTS.iter().filter(|(_, requires)| half || !requires.f16);
    let variants = variants.map(|&(name, requires)| lowering.variant(name, requires)).collect::<Result<_, _>>()?;
    let Lowering { weights, model, buffers, shaders, specs, tally, .. } = lowering;
    Ok(Lowered { plan: Plan { model, params: weights.params, vectors: weights.vectors, buffers, variants }, shaders, specs, tally })
}

/// What all entries and device classes share.
struct Lowering<'a> {
    graph: &'a Graph,
    stages: &'a [Stage],
    weights: Weights,
    model: Model,
    /// Offset of the rope frequencies in the vectors arena.
    frequencies: u32,
    logits: Option<Value>,
    /// The first stage behind the last attention: from there on, a row needs no other.
    tail: usize,
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
        Buffer::Rows(group) => (3, group.into(), 0, 0),
        Buffer::PageTable(group) => (4, group.into(), 0, 0),
        Buffer::Activation { arena, offset, bytes } => (5, arena.into(), offset, bytes),
        Buffer::Logits { rows } => (6, rows.into(), 0, 0),
        Buffer::Sampled => (7, 0, 0, 0),
        Buffer::Sampling => (8, 0, 0, 0),
        Buffer::Tokens => (9, 0, 0, 0),
        Buffer::Segments => (10, 0, 0, 0),
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
    fn variant(&mut self, name: &str, requires: Requires) -> Result<Variant, Error> {
        let activations = self.activations(&requires);
        let modes = modes(&self.model, activations);
        let mut kernels = Kernels::new(requires, self.choice);
        let entries = modes.iter().map(|mode| self.entry(mode, &requires, &mut kernels)).collect::<Result<_, _>>()?;
        self.tally.add(&kernels.tally);
        self.specs.extend(kernels.specs().into_iter().map(|spec| (requires, spec)));
        Ok(Variant { name: name.into(), requires, activations, kernels: kernels.list, choices: kernels.choices, entries })
    }

    fn entry(&mut self, mode: &Mode, requires: &Requires, kernels: &mut Kernels<'a>) -> Result<Entry, Error> {
        let mut scratch = Scratch::default();
        let mut drafts = Vec::new();
        let mut works = 0;
        for (index, stage) in self.stages.iter().enumerate() {
            for work in self.works(stage, index >= self.tail, mode, requires)? {
                // Only one of several alternatives runs, so that all of them are one moment in the lives of activations.
                for draft in self.drafts(&work, mode, kernels)? {
                    let written = kernels.list[draft.kernel as usize].bindings.iter().map(|binding| binding.writes);
                    for (target, writes) in draft.targets.iter().zip(written) {
                        if let Some(key) = place_key(target) {
                            let (value, quantized) = key;
                            let rows = u64::from(if self.is_head(value) { mode.most_read() } else { mode.max_rows });
                            let bytes = if quantized {
                                rows * 4 * u64::from(byte_row_words(self.graph.op(value).width))
                            } else {
                                let (row, parts) = row_bytes(self.graph, value);
                                let singles = if mode.attention == Attends::Segments { 0 } else { mode.singles };
                                rows * row + u64::from(singles) * parts
                            };
                            scratch.touch(key, bytes, Touch { dispatch: works, writes });
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
                Target::Scratch(_) | Target::Bytes(_) => {
                    let index = place_key(&target).and_then(|key| scratch.index(key)).expect("every scratch value was touched above");
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

    /// What products of many rows take x as. Matrix units keep to halves: they multiply those several times as fast as other units multiply
    /// anything (205 against 40 TFLOP/s on an H200), so that bytes would only cost them precision.
    fn activations(&self, requires: &Requires) -> Activations {
        if requires.matrix { Activations::Float } else { self.model.activations }
    }

    /// Whether a value has rows only for what gets logits.
    fn is_head(&self, value: Value) -> bool {
        matches!(self.graph.op(value).kind, crate::graph::OpKind::ArgMax { .. })
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
        let one =
            |size: &Size| matches!(size, Size::Rows | Size::Prompt | Size::Segments | Size::Longest | Size::Read).then_some(Size::Const(1));
        let known = |size: &Size| if mode.max_rows == 1 { size.with(&one) } else { size.clone() };
        let draft = Draft {
            kernel: *kernel,
            targets: targets.collect::<Result<_, _>>()?,
            grid: work.grid(&linked.grid).each_ref().map(known),
            when: match work.spec {
                Spec::ArgMax(_) => When::Greedy,
                Spec::Draw(Draw { stage: DrawStage::Gather, .. }) => When::Nucleus,
                Spec::Draw(_) => When::Drawn,
                _ => When::Always,
            },
            uniforms: work.launch.words().each_ref().map(known),
            label: work.label.clone(),
            alternative: *alternative,
        };
        self.check(&draft, &mode.largest(&self.model))?;
        Ok(draft)
    }

    /// The largest step stays within 32 bits and within the limits of a dispatch.
    fn check(&self, draft: &Draft, largest: &StepSize) -> Result<(), Error> {
        let refuse = |what: &str| Err(ErrorKind::Launch { label: draft.label.clone(), what: what.into() }.into());
        let most = |size: &Size| range(size, largest).map(|(_, most)| most);
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
