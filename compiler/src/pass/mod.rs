//! Fusion: from graph ops to stages, each of which one kernel computes.
//!
//! A stage grows around an op that does real work: a linear layer takes up the norm before it and whatever follows it on the spot; rotation
//! and cache append go with whatever makes the heads. What no stage takes up has no kernel, and is refused by name. Stages speak of *homes*:
//! the value that owns the memory. The sum of a residual connection lives in the home of the stream it is added to.

mod heads;
mod matmul;

use crate::graph::{Graph, OpKind, ParamId, Value};
use crate::{Error, ErrorKind};

/// What one kernel computes, or several where a table is split.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stage {
    /// Label of the op it grew around.
    pub label: String,
    /// What it computes.
    pub kind: StageKind,
}

impl Stage {
    /// The homes that it is the first to write.
    pub(crate) fn makes(&self) -> impl Iterator<Item = Value> + use<> {
        let (first, second) = match self.kind {
            StageKind::Embed { output, rotation, .. } => (Some(output), Some(rotation)),
            StageKind::Matmul { epilogue, .. } => match epilogue {
                Epilogue::Store { output } | Epilogue::SiluMul { output } => (Some(output), None),
                Epilogue::Heads(append) => (Some(append.query), None),
                Epilogue::Residual { .. } => (None, None),
            },
            StageKind::HeadNorm { append, .. } => (Some(append.query), None),
            StageKind::Attention { output, .. } => (Some(output), None),
            StageKind::ArgMax { partial, .. } => (Some(partial), None),
        };
        first.into_iter().chain(second)
    }
}

/// Kinds of stages.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StageKind {
    /// Embedding lookup, and the rotation of each row.
    Embed { table: ParamId, output: Value, frequencies: Vec<f32>, rotation: Value },
    /// A linear layer with its surroundings.
    Matmul { input: Value, weight: ParamId, bias: Option<ParamId>, prologue: Prologue, epilogue: Epilogue },
    /// Norm, rotation and append of heads that lie in memory.
    HeadNorm { input: Value, query_gain: ParamId, key_gain: ParamId, eps: f32, append: Append },
    /// Attention over the cache.
    Attention { query: Value, layer: u32, scale: f32, window: Option<u32>, output: Value },
    /// Greedy sampling; `partial` stands for the scratch between its two kernels.
    ArgMax { logits: Value, partial: Value },
}

/// What a matrix product does with its input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Prologue {
    /// Nothing.
    Plain,
    /// Norm; `normed` stands for it where it is not worked out in the product.
    Norm { gain: ParamId, eps: f32, normed: Value },
}

/// What a matrix product does with its result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Epilogue {
    /// Stores it.
    Store { output: Value },
    /// Adds it to a stream.
    Residual { stream: Value },
    /// Gated activation of its halves.
    SiluMul { output: Value },
    /// Takes it for heads.
    Heads(Append),
}

/// Rotation of query and key heads, and append to a cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Append {
    /// The rotation of each row.
    pub rotation: Value,
    /// Whose cache.
    pub layer: u32,
    /// Where the queries go.
    pub query: Value,
}

/// Fuses a graph.
///
/// # Errors
/// [`ErrorKind::Unfused`] for an op that no kernel can compute where it stands.
pub(crate) fn fuse(graph: &Graph) -> Result<Vec<Stage>, Error> {
    let mut fusion = Fusion::new(graph);
    let mut stages = Vec::new();
    for (index, op) in graph.ops.iter().enumerate() {
        let value = Value(index);
        let kind = match &op.kind {
            OpKind::Embed { table } => fusion.embed(value, *table)?,
            &OpKind::Linear { input, weight, bias } => fusion.matmul(value, input, weight, bias),
            &OpKind::HeadNorm { input, query_gain, key_gain, eps } => {
                let append = fusion.append(value).ok_or_else(|| fusion.refuse(value, "rotation and append must follow it"))?;
                StageKind::HeadNorm { input: fusion.home(input), query_gain, key_gain, eps, append }
            }
            &OpKind::Attention { query, layer, scale, window } => {
                StageKind::Attention { query: fusion.home(query), layer, scale, window, output: value }
            }
            &OpKind::ArgMax { input } => StageKind::ArgMax { logits: fusion.home(input), partial: value },
            // These belong to the stages of others.
            OpKind::Rotation { .. } | OpKind::Norm { .. } | OpKind::Rope { .. } | OpKind::Append { .. } => continue,
            OpKind::SiluMul { .. } | OpKind::Add { .. } => continue,
        };
        fusion.taken[index] = true;
        stages.push(Stage { label: op.label.clone(), kind });
    }
    match fusion.taken.iter().position(|taken| !taken) {
        Some(left) => Err(fusion.refuse(Value(left), "no stage beside it takes it up")),
        None => Ok(stages),
    }
}

/// What is known while stages grow.
struct Fusion<'a> {
    graph: &'a Graph,
    /// The ops that read each value.
    readers: Vec<Vec<Value>>,
    /// The value whose memory holds each value.
    homes: Vec<Value>,
    /// Ops that belong to a stage.
    taken: Vec<bool>,
}

impl<'a> Fusion<'a> {
    fn new(graph: &'a Graph) -> Self {
        let mut readers = vec![Vec::new(); graph.ops.len()];
        for (index, op) in graph.ops.iter().enumerate() {
            op.reads().for_each(|read| readers[read.0].push(Value(index)));
        }
        let homes = (0..graph.ops.len()).map(Value).collect();
        Fusion { graph, readers, homes, taken: vec![false; graph.ops.len()] }
    }

    fn home(&self, value: Value) -> Value {
        self.homes[value.0]
    }

    fn take(&mut self, value: Value) {
        self.taken[value.0] = true;
    }

    /// The only op that reads a value.
    fn only_reader(&self, value: Value) -> Option<Value> {
        match self.readers[value.0][..] {
            [reader] => Some(reader),
            _ => None,
        }
    }

    fn refuse(&self, value: Value, reason: &str) -> Error {
        ErrorKind::Unfused { op: self.graph.op(value).label.clone(), reason: reason.into() }.into()
    }

    /// The embedding stage takes up the rotation: both depend on nothing but the rows.
    fn embed(&mut self, output: Value, table: ParamId) -> Result<StageKind, Error> {
        let rotations = self.graph.ops.iter().enumerate().filter_map(|(index, op)| match &op.kind {
            OpKind::Rotation { frequencies } if !self.taken[index] => Some((Value(index), frequencies.clone())),
            _ => None,
        });
        let Some((rotation, frequencies)) = rotations.into_iter().next() else {
            return Err(self.refuse(output, "there is no rotation to go with it"));
        };
        self.take(rotation);
        Ok(StageKind::Embed { table, output, frequencies, rotation })
    }
}

#[cfg(test)]
mod tests;
