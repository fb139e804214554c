//! Lowering: from stages to dispatches.
//!
//! The same stages are lowered once for every entry and every device class. An entry decides how many rows there are, whether attention is
//! split and which rows get logits. A device class decides the kernels. The rest is launch words and bindings.

mod kernels;
mod limits;
mod scratch;

use crate::entry::{Attends, Mode, modes};
use crate::fuse::Fused;
use crate::graph::{Graph, OpKind, Value};
use crate::memory::{self, Touch};
use crate::op::Spec;
use crate::op::stage::{At, Form, Target, Work};
use crate::range::range;
use crate::tune::{Choice, Tally};
use crate::weights::Weights;
use crate::{Error, ErrorKind};
use kernels::{Kernels, Scheduled};
pub(crate) use limits::Limits;
use scratch::{Scratch, place};
use std::collections::BTreeMap;
use tegula_plan::{
    Activations, Alternative, Binding, Buffer, Dispatch, Dtype, Entry, Model, Plan, Requires, Size, StepSize, Variant, When,
};

/// The most workgroups of a dispatch in each direction on every device.
const MAX_WORKGROUPS: u32 = 65_535;

/// Device classes, the most demanding first. The first two are for models that are stored in half precision: others keep to their own.
const VARIANTS: [(&str, Requires); 4] = [
    ("matrix", Requires { subgroups: true, f16: true, matrix: true }),
    ("f16", Requires { subgroups: true, f16: true, matrix: false }),
    ("subgroups", Requires { subgroups: true, f16: false, matrix: false }),
    ("baseline", Requires { subgroups: false, f16: false, matrix: false }),
];

/// The value that ids are picked from, where a stage makes it.
fn logits(graph: &Graph, stages: &[Fused]) -> Option<Value> {
    let read = graph.ops.iter().find_map(|op| match op.kind {
        OpKind::ArgMax { input } => Some(input),
        _ => None,
    })?;
    stages.iter().any(|fused| fused.stage.makes(graph).iter().any(|made| made.value == read)).then_some(read)
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
    // No device class has entries that read more rows than those of floats.
    let logits_rows = modes(&model, Activations::Float).iter().map(Mode::most_read).max().unwrap_or(1);
    let cache = model.paged().next().map_or(Dtype::F32, |group| group.format);
    let mut lowering = Lowering {
        graph,
        cache,
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
    let half = lowering.cache == Dtype::F16;
    let variants = VARIANTS.iter().filter(|(_, requires)| half || !requires.f16);
    let variants = variants.map(|&(name, requires)| lowering.variant(name, requires)).collect::<Result<_, _>>()?;
    let Lowering { weights, model, buffers, shaders, specs, tally, .. } = lowering;
    Ok(Lowered { plan: Plan { model, params: weights.params, vectors: weights.vectors, buffers, variants }, shaders, specs, tally })
}

/// What all entries and device classes share.
struct Lowering<'a> {
    graph: &'a Graph,
    stages: &'a [Fused],
    weights: Weights,
    model: Model,
    /// Element type of the caches.
    cache: Dtype,
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
        Buffer::Rows(group) => (3, group.into(), 0, 0),
        Buffer::PageTable(group) => (4, group.into(), 0, 0),
        Buffer::Activation { arena, offset, bytes } => (5, arena.into(), offset, bytes),
        Buffer::Logits { rows } => (6, rows.into(), 0, 0),
        Buffer::Sampled => (7, 0, 0, 0),
        Buffer::Sampling => (8, 0, 0, 0),
        Buffer::Tokens => (9, 0, 0, 0),
        Buffer::Segments => (10, 0, 0, 0),
        Buffer::Stretched => (11, 0, 0, 0),
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
        for (place_in_step, work) in self.works(mode, requires)?.into_iter().enumerate() {
            // Only one of several alternatives runs, so that all of them are one moment in the lives of activations.
            for draft in self.drafts(&work, mode, kernels)? {
                let written = kernels.list[draft.kernel as usize].bindings.iter().map(|binding| binding.writes);
                for (target, writes) in draft.targets.iter().zip(written) {
                    if let Target::Activation { bytes, form, .. } = target {
                        let rows = if *form == Form::Picked { mode.most_read() } else { mode.max_rows };
                        let singles = if mode.attention == Attends::Segments { 0 } else { mode.singles };
                        let bytes = u64::from(rows) * bytes.row + u64::from(singles) * bytes.parts;
                        scratch.touch(place(target), bytes, Touch { dispatch: place_in_step, writes });
                    }
                }
                drafts.push(draft);
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

    /// The dispatches of all stages. Those behind the last attention work on the rows that get logits only.
    fn works(&self, mode: &Mode, requires: &Requires) -> Result<Vec<Work>, Error> {
        let mut works = Vec::new();
        for Fused { label, root, stage } in self.stages {
            let is_tail = self.tail.is_none_or(|last| *root > last);
            let spans = match is_tail {
                // Kernels that pick ids take any number of rows.
                true if is_picked(self.graph, *root) => vec![mode.picks()],
                true => mode.tails(),
                false => vec![mode.all()],
            };
            for span in &spans {
                let at = At {
                    graph: self.graph,
                    weights: &self.weights,
                    model: &self.model,
                    mode,
                    requires,
                    cache: self.cache,
                    activations: self.activations(requires),
                    span,
                    logits: self.logits,
                    logits_rows: self.logits_rows,
                };
                works.extend(stage.works(&format!("{label}{}", span.suffix), &at)?);
            }
        }
        Ok(works)
    }

    /// What matrix multiplications of many rows take activations as. Matrix units keep to halves: they multiply those several times as fast
    /// as other units multiply anything, so that int8 would only cost them precision.
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
        let one =
            |size: &Size| matches!(size, Size::Rows | Size::Prompt | Size::Segments | Size::Longest | Size::Read).then_some(Size::Const(1));
        let known = |size: &Size| if mode.max_rows == 1 { size.with(&one) } else { size.clone() };
        let draft = Draft {
            kernel: *kernel,
            targets: targets.collect::<Result<_, _>>()?,
            grid: work.grid(&linked.grid).each_ref().map(known),
            when: work.spec.when(),
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
