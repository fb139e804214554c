//! Phases of the compilation as text, for people and for goldens.

use crate::fuse::Fused;
use crate::graph::{Change, Graph, Value, option};
use crate::memory::MemoryPlan;
use std::fmt::Write;
use tegula_plan::{Activations, Alternative, Binding, Buffer, Dispatch, LAUNCH_MEMBERS, Plan, Size, VectorSource, When, count};

/// A phase that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Parameters and ops.
    Graph,
    /// Stages after fusion.
    Fused,
    /// Parameters, vectors, buffers, kernels and dispatches.
    Plan,
    /// Texts of the kernels.
    Wgsl,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Phase; 4] = [Phase::Graph, Phase::Fused, Phase::Plan, Phase::Wgsl];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Phase::Graph => "graph",
            Phase::Fused => "fused",
            Phase::Plan => "plan",
            Phase::Wgsl => "wgsl",
        }
    }
}

/// Writes a line. Writing to a string cannot fail.
macro_rules! line {
    ($out:expr, $($arg:tt)*) => {
        writeln!($out, $($arg)*).expect("strings grow")
    };
}

pub(crate) fn graph(graph: &Graph) -> String {
    let mut out = String::new();
    let Graph { architecture, vocab_size, hidden_size, layers, heads, .. } = graph;
    line!(
        out,
        "{architecture}: vocab {vocab_size}, hidden {hidden_size}, {}, {}",
        count(*layers, "layer"),
        heads_text(heads.query, heads.kv, heads.dim)
    );
    line!(out, "\nparams");
    for param in &graph.params {
        let sources: Vec<_> = param.sources.iter().map(|source| source.text()).collect();
        let quantize = if param.quantize { " quantized" } else { "" };
        let change = match param.change {
            Change::None => "",
            Change::Transpose => ", transposed",
            Change::AddOne => ", plus one",
            Change::UnitRows => ", rows of length one",
        };
        line!(out, "  {} {:?}{quantize} <- {}{change}", param.name, param.shape, sources.join(" + "));
    }
    line!(out, "\nops");
    for (index, op) in graph.ops.iter().enumerate() {
        line!(out, "  {} [{}] = {}  // {}", Value(index), op.width, op.kind.text(graph), op.label);
    }
    out
}

pub(crate) fn stages(graph: &Graph, fused: &[Fused]) -> String {
    let mut out = String::new();
    for Fused { label, stage, .. } in fused {
        line!(out, "{label}: {}", stage.text(graph));
    }
    out
}

pub(crate) fn plan(plan: &Plan, memory: &MemoryPlan) -> String {
    let mut out = String::new();
    let model = &plan.model;
    line!(
        out,
        "{} {}: vocab {}, hidden {}, {}",
        model.architecture,
        model.quantization,
        model.vocab_size,
        model.hidden_size,
        count(model.layers, "layer")
    );
    for group in model.paged() {
        let heads = heads_text(model.query_heads, group.kv_heads, group.head_dim);
        let (layers, window) = (count(group.layers.len() as u32, "layer"), option(" window", group.window));
        line!(out, "{layers} of {heads}, {} cache{window}{}", group.format.name(), activations_text(model.activations));
    }
    line!(out, "context {}, prefill chunk {}, batch {}", model.context_window_size, model.prefill_chunk_size, model.max_batch_size);
    line!(out, "{memory}");
    line!(out, "\nparams");
    for (index, param) in plan.params.iter().enumerate() {
        line!(out, "  {index} {} {:?} {}", param.name, param.shape, param.dtype.name());
    }
    line!(out, "\nvectors");
    for vector in &plan.vectors {
        let source = match &vector.source {
            VectorSource::Param(param) => format!("param {param}"),
            VectorSource::Values(values) => format!("{values:?}"),
        };
        line!(out, "  {}+{} {source}", vector.offset, vector.length);
    }
    line!(out, "\nbuffers");
    for (index, buffer) in plan.buffers.iter().enumerate() {
        line!(out, "  {index} {}", buffer_text(buffer));
    }
    for variant in &plan.variants {
        let requires = [("subgroups", variant.requires.subgroups), ("f16", variant.requires.f16)];
        let requires: Vec<_> = requires.iter().filter(|(_, required)| *required).map(|(name, _)| *name).collect();
        line!(out, "\nvariant {} requires [{}]{}", variant.name, requires.join(", "), activations_text(variant.activations));
        for (index, kernel) in variant.kernels.iter().enumerate() {
            let memory = kernel.workgroup_memory;
            line!(out, "  kernel {index} {} (shader {}, {} invocations, {memory} bytes)", kernel.name, kernel.shader, kernel.invocations);
        }
        for (index, choice) in variant.choices.iter().enumerate() {
            line!(out, "  choice {index} {}: {}", choice.name, choice.alternatives.join(" | "));
        }
        for entry in &variant.entries {
            line!(out, "\n  entry {} of at most {} rows", entry.name, entry.max_rows);
            for dispatch in &entry.dispatches {
                let names = &variant.kernels[dispatch.kernel as usize].bindings;
                let bound = names.iter().zip(&dispatch.bindings).map(|(name, binding)| binding_text(&name.name, name.writes, binding));
                line!(out, "    {} {}", dispatch_text(dispatch), bound.collect::<Vec<_>>().join(" "));
            }
        }
    }
    out
}

fn dispatch_text(dispatch: &Dispatch) -> String {
    let grid = dispatch.grid.each_ref().map(size_text).join(", ");
    let words = LAUNCH_MEMBERS.iter().zip(&dispatch.uniforms).filter(|(_, size)| **size != Size::Const(0));
    let words: Vec<_> = words.map(|(name, size)| format!("{name}={}", size_text(size))).collect();
    let when = match dispatch.when {
        When::Always => "",
        When::Greedy => " if greedy",
        When::Drawn => " if drawn",
        When::Nucleus => " if drawn from a nucleus",
    };
    let alternative = dispatch.alternative.map(|Alternative { choice, index }| format!(" if choice {choice} is {index}"));
    let alternative = alternative.unwrap_or_default();
    format!("{}{when}{alternative}: kernel {} [{grid}] {{{}}}", dispatch.label, dispatch.kernel, words.join(" "))
}

fn binding_text(name: &str, writes: bool, binding: &Binding) -> String {
    let arrow = if writes { "=>" } else { "=" };
    let range = match (binding.offset, binding.size) {
        (0, 0) => String::new(),
        (offset, 0) => format!("[{offset}..]"),
        (offset, size) => format!("[{offset}..{}]", offset + size),
    };
    format!("{name}{arrow}{}{range}", binding.buffer)
}

fn buffer_text(buffer: &Buffer) -> String {
    match buffer {
        Buffer::Weight(param) => format!("weight {param}"),
        Buffer::Vectors => "vectors".into(),
        Buffer::Cache(layer) => format!("cache {layer}"),
        Buffer::Rows(group) => format!("rows of group {group}"),
        Buffer::PageTable(group) => format!("page table of group {group}"),
        Buffer::Activation { arena, offset, bytes } => format!("activation arena {arena} [{offset}..{}]", offset + bytes),
        Buffer::Logits { rows } => format!("logits of {rows} rows"),
        Buffer::Sampled => "sampled".into(),
        Buffer::Sampling => "sampling".into(),
        Buffer::Stretched => "stretched".into(),
        Buffer::Tokens => "tokens".into(),
        Buffer::Segments => "segments".into(),
    }
}

fn size_text(size: &Size) -> String {
    match size {
        Size::Const(value) => value.to_string(),
        Size::Rows => "rows".into(),
        Size::Pages => "pages".into(),
        Size::Prompt => "prompt".into(),
        Size::Segments => "segments".into(),
        Size::Longest => "longest".into(),
        Size::Read => "read".into(),
        Size::Add(a, b) => format!("({} + {})", size_text(a), size_text(b)),
        Size::Sub(a, b) => format!("({} - {})", size_text(a), size_text(b)),
        Size::Mul(a, b) => format!("({} * {})", size_text(a), size_text(b)),
        Size::CeilDiv(a, b) => format!("ceil({} / {})", size_text(a), size_text(b)),
        Size::Min(a, b) => format!("min({}, {})", size_text(a), size_text(b)),
        Size::Max(a, b) => format!("max({}, {})", size_text(a), size_text(b)),
    }
}

pub(crate) fn wgsl(plan: &Plan, shaders: &[String]) -> String {
    let mut out = String::new();
    for (index, text) in shaders.iter().enumerate() {
        line!(out, "// shader {index}");
        for variant in &plan.variants {
            for kernel in variant.kernels.iter().filter(|kernel| kernel.shader as usize == index) {
                line!(out, "// {}: {}", variant.name, kernel.name);
            }
        }
        line!(out, "{}\n", text.trim_end());
    }
    out
}

/// Nothing where they are what they usually are.
fn activations_text(activations: Activations) -> String {
    if activations == Activations::Float { String::new() } else { format!(", {} activations", activations.name()) }
}

fn heads_text(query: u32, kv: u32, dim: u32) -> String {
    format!("{query} query and {kv} key/value heads of {dim}")
}
