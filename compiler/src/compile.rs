//! From a config to a model library, phase by phase.

use crate::config::Config;
use crate::dump::{self, Phase};
use crate::fuse::{Fused, fuse};
use crate::graph::{Graph, OpKind};
use crate::lower::{self, Limits, Lowered};
use crate::memory::MemoryPlan;
use crate::op::Spec;
use crate::quant::Quantization;
use crate::tune::{Choice, Records, Tally};
use crate::weights::Weights;
use crate::{Error, ErrorKind, emit, fingerprint, model, state};
use tegula_plan::{Activations, Dtype, Fingerprint, Model, Plan, Precision, Requires};

/// Rows of a prefill step, unless asked for otherwise: more no longer make it faster, but take more memory.
const PREFILL_CHUNK_SIZE: u32 = 1024;

/// Sequences of a step, unless asked for otherwise. A package's own number is a server's, and is not used.
const MAX_BATCH_SIZE: u32 = 4;

/// Schedules that a device chooses among, unless asked for otherwise: trying them must take no longer than a user notices.
const ALTERNATIVES: u32 = 3;

/// Positions that an f32 tells apart.
const MAX_CONTEXT: u32 = 1 << 24;

/// What may be chosen beyond the config. `None` leaves it to the config, and then to a default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompileOptions {
    /// Such as `q4f16_1`, the default of a Hugging Face config. A package is what it is.
    pub quantization: Option<String>,
    /// The type of activations in matrix multiplications of many rows. Int8 goes with 4-bit weights only. Default: floating-point numbers.
    pub activations: Activations,
    /// Whether keys and values are stored in 32 bits whatever the weights are, which hosts need to
    /// draw equal tokens.
    pub precision: Precision,
    /// The most tokens of a sequence. Default: all positions that the model was trained for.
    pub context_window_size: Option<u32>,
    /// The most rows of a prefill step. Default: 1024, or less where the package says so or no more fit in a binding.
    pub prefill_chunk_size: Option<u32>,
    /// The most sequences of a step. Default: 4.
    pub max_batch_size: Option<u32>,
    /// Positions that every layer looks back; 0 for all. Default: what the model was trained with.
    pub sliding_window_size: Option<u32>,
    /// Choose kernels by what was measured on the device of this name (its adapter's). Default: by what is good on all that were measured.
    pub device: Option<String>,
    /// Fail where nothing was measured, instead of taking the default schedule.
    pub frozen: bool,
    /// The most schedules of a kernel that are left to the device to choose among, where none was measured on it. Default: 3.
    pub alternatives: Option<u32>,
    /// What was measured. Default: the records that come with the compiler.
    pub records: Option<Records>,
}

impl CompileOptions {
    /// What to choose by.
    ///
    /// # Errors
    /// [`ErrorKind::Record`] where a record that comes with the compiler cannot be read.
    pub fn records(&self) -> Result<&Records, Error> {
        match &self.records {
            Some(records) => Ok(records),
            None => Records::embedded(),
        }
    }
}

/// A compiled model.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The model library: a WebAssembly module.
    pub library: Vec<u8>,
    /// The plan in it.
    pub plan: Plan,
    /// The kernels in it.
    pub shaders: Vec<String>,
    /// What it will take on the GPU.
    pub memory: MemoryPlan,
    /// What its kernels compute, each once for every device class that has it, in the order of their first use.
    pub specs: Vec<(Requires, Spec)>,
    /// Where their schedules came from, over all device classes.
    pub tally: Tally,
    graph: Graph,
    /// [`Phase::Fused`].
    fused: String,
}

impl Compiled {
    /// A phase of the compilation as text, for people and goldens.
    #[must_use]
    pub fn dump(&self, phase: Phase) -> String {
        match phase {
            Phase::Graph => dump::graph(&self.graph),
            Phase::Fused => self.fused.clone(),
            Phase::Plan => dump::plan(&self.plan, &self.memory),
            Phase::Wgsl => dump::wgsl(&self.plan, &self.shaders),
        }
    }
}

/// Compiles a model. Pure: the same input gives the same bytes.
///
/// # Errors
/// Those of [`model::graph`]; [`ErrorKind::UnknownQuantization`]; [`ErrorKind::Setting`] for an option that contradicts the package or the
/// model; [`ErrorKind::TensorTooLarge`] and [`ErrorKind::StepTooLarge`] where the limits that every device has are exceeded;
/// [`ErrorKind::NoRecord`] where only measured schedules are to be used.
pub fn compile(config: &Config, options: &CompileOptions) -> Result<Compiled, Error> {
    // Of what the weights were trained for, whatever context or window is asked for here.
    let fingerprint = fingerprint::of(&model::graph(&Config { context_window_size: None, ..config.clone() })?);
    let context_window_size = options.context_window_size.or(config.context_window_size);
    let graph = model::graph(&Config { context_window_size, ..config.clone() })?;
    let quantization = quantization(config, options)?;
    compile_graph(graph, fingerprint, config, options, quantization)
}

/// Compiles a graph whose weights are stored in a way.
pub(crate) fn compile_graph(
    mut graph: Graph,
    fingerprint: Fingerprint,
    config: &Config,
    options: &CompileOptions,
    quantization: Quantization,
) -> Result<Compiled, Error> {
    check_activations(options.activations, quantization)?;
    if let Some(size) = options.sliding_window_size {
        for op in &mut graph.ops {
            if let OpKind::Attention { window, .. } = &mut op.kind {
                *window = (size > 0).then_some(size);
            }
        }
    }
    let mut stages = fuse(&graph)?;
    let model = Model { fingerprint, ..settings(&graph, &stages, config, options, quantization)? };
    let mut weights = Weights::new(&graph, quantization)?;
    for fused in &mut stages {
        fused.stage.prepare(&mut weights)?;
    }
    let fused = dump::stages(&graph, &stages);
    let alternatives = positive("alternatives", options.alternatives.or(Some(ALTERNATIVES)))?;
    let choice = Choice { records: options.records()?, device: options.device.as_deref(), frozen: options.frozen, alternatives };
    let Lowered { plan, shaders, specs, tally } = lower::lower(&graph, &stages, weights, model, choice)?;
    let library = emit::library(&plan, &shaders);
    Ok(Compiled { library, memory: MemoryPlan::of(&plan), plan, shaders, specs, tally, graph, fused })
}

fn quantization(config: &Config, options: &CompileOptions) -> Result<Quantization, Error> {
    let asked = options.quantization.as_deref().map(Quantization::parse).transpose()?;
    let packaged = config.quantization.as_deref().map(Quantization::parse).transpose()?;
    match (asked, packaged) {
        (Some(asked), Some(packaged)) if asked != packaged => Err(ErrorKind::Setting {
            setting: "quantization",
            found: format!("`{asked}`"),
            expected: format!("`{packaged}`, as the package's weights are; convert the model again for another"),
        }
        .into()),
        _ => Ok(packaged.or(asked).unwrap_or(Quantization::Q4F16_1)),
    }
}

/// Int8 is multiplied with weights of a few bits; others would have to be rounded for it.
fn check_activations(activations: Activations, quantization: Quantization) -> Result<(), Error> {
    if activations == Activations::Float || quantization.takes_int8() {
        return Ok(());
    }
    let possible: Vec<&str> = Quantization::ALL.into_iter().filter(|known| known.takes_int8()).map(Quantization::name).collect();
    let expected = format!("`float` with {quantization} weights; `int8` goes with {}", possible.join(" and "));
    Err(ErrorKind::Setting { setting: "activations", found: format!("`{}`", activations.name()), expected }.into())
}

fn settings(
    graph: &Graph,
    stages: &[Fused],
    config: &Config,
    options: &CompileOptions,
    quantization: Quantization,
) -> Result<Model, Error> {
    let context = positive("context_window_size", options.context_window_size.or(config.context_window_size).or(graph.max_positions))?;
    if context > MAX_CONTEXT {
        let expected = format!("at most {MAX_CONTEXT}");
        return Err(ErrorKind::Setting { setting: "context_window_size", found: context.to_string(), expected }.into());
    }
    check_positions(graph, context)?;
    // What is asked for must fit; a default gives way, unless not even one row fits.
    let limits = Limits::of(graph, stages, context);
    let batch = positive("max_batch_size", options.max_batch_size.or(Some(MAX_BATCH_SIZE.min(limits.batch.max(1)))))?;
    let batch = limits.check_batch(batch)?;
    let chunk = config.prefill_chunk_size.unwrap_or(PREFILL_CHUNK_SIZE).min(PREFILL_CHUNK_SIZE).min(limits.chunk(batch).max(1));
    let chunk = positive("prefill_chunk_size", options.prefill_chunk_size.or(Some(chunk)))?;
    let cache = match options.precision {
        Precision::Auto => quantization.model_dtype(),
        Precision::F32 => Dtype::F32,
    };
    Ok(Model {
        architecture: graph.architecture.into(),
        quantization: quantization.to_string(),
        vocab_size: graph.vocab_size,
        hidden_size: graph.hidden_size,
        layers: graph.layers,
        query_heads: graph.heads.query,
        context_window_size: context,
        state: state::groups(graph, context, cache),
        prefill_chunk_size: limits.check_chunk(chunk.min(context), batch)?,
        max_batch_size: batch,
        activations: options.activations,
        stretched_after: graph.stretched_after,
        fingerprint: Fingerprint::default(),
    })
}

/// Learned positions end where their table does.
fn check_positions(graph: &Graph, context: u32) -> Result<(), Error> {
    let tables = graph.ops.iter().filter_map(|op| match op.kind {
        OpKind::Positions { table, .. } => graph.param(table).shape.first().copied(),
        _ => None,
    });
    match tables.min() {
        Some(positions) if u64::from(context) > positions => Err(ErrorKind::Setting {
            setting: "context_window_size",
            found: context.to_string(),
            expected: format!("at most {positions}, the positions that the model has learned"),
        }
        .into()),
        _ => Ok(()),
    }
}

fn positive(setting: &'static str, value: Option<u32>) -> Result<u32, Error> {
    let (found, expected) = match value {
        Some(0) => ("0", "positive"),
        Some(value) => return Ok(value),
        None => ("missing", "given, as the config does not say it"),
    };
    Err(ErrorKind::Setting { setting, found: found.into(), expected: expected.into() }.into())
}
