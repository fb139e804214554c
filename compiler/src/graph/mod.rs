//! The graph: what a model computes, before anything is said of kernels.
//!
//! Values are f32 matrices with a row for each token of a step, so that one graph serves prefill and decode. Ops are as coarse as
//! architectures write them down (a linear layer, a norm, attention over the cache) and stand in the order of execution. Each makes one
//! value. A parameter has two kinds of names: its own in the weight package, and those of the Hugging Face tensors that it is made of.

mod act;
mod build;
mod op;
mod state;
mod terms;
mod text;

pub use act::Act;
pub use op::{Gate, Growth, HeadSpan, NormKind, Op, OpKind, Pairs};
use std::fmt;
pub use terms::{Angles, Attention, Norm};
pub(crate) use text::option;

/// A parameter of the graph: one tensor of the package before quantization, stacked from one or more tensors of the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphParam {
    /// Name in the package, such as `model.layers.0.self_attn.qkv_proj.weight`. A quantization replaces `weight` by names of its own.
    pub name: String,
    /// The Hugging Face tensors whose rows, one after another, make up this one.
    pub sources: Vec<Source>,
    /// Where the package has it in several tensors: their names and rows, one after another.
    pub apart: Vec<(String, u64)>,
    /// `[n, k]` for a matrix of n output features, `[n]` for a gain or a bias.
    pub shape: Vec<u64>,
    /// Whether the quantization applies; other tensors are stored in its model dtype.
    pub quantize: bool,
    /// How the tensors of the checkpoint differ from it.
    pub change: Change,
}

/// What is done to the tensors of a checkpoint on their way into a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    #[default]
    None,
    /// Matrices are transposed: the checkpoint has `[k, n]`.
    Transpose,
    /// One is added to each element: gains whose checkpoint has what exceeds one.
    AddOne,
    /// Rows are divided by their length.
    UnitRows,
}

/// Rows of a tensor of the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// The first row.
    pub first: u64,
    /// How many rows.
    pub rows: u64,
    /// How many the tensor has.
    pub of: u64,
}

impl Source {
    /// All rows of a tensor.
    #[must_use]
    pub fn whole(name: String, rows: u64) -> Source {
        Source { name, first: 0, rows, of: rows }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let Source { name, first, rows, of } = self;
        if rows == of { format!("{name} [{rows}]") } else { format!("{name} [{first}..{}]", first + rows) }
    }
}

/// A parameter, by its place in [`Graph::params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParamId(pub(crate) usize);

/// What an op makes, by the op's place in [`Graph::ops`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(pub(crate) usize);

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// Shape of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Query heads.
    pub query: u32,
    /// Key and value heads.
    pub kv: u32,
    /// Elements of a head.
    pub dim: u32,
}

impl Heads {
    /// Elements of all query heads of a row.
    #[must_use]
    pub fn query_width(self) -> u32 {
        self.query * self.dim
    }

    /// Elements of all key heads, or all value heads, of a row.
    #[must_use]
    pub fn kv_width(self) -> u32 {
        self.kv * self.dim
    }

    /// Elements of the query, key and value heads of a row.
    #[must_use]
    pub fn width(self) -> u32 {
        self.query_width() + 2 * self.kv_width()
    }
}

/// A model.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Model family, such as `llama`.
    pub architecture: &'static str,
    /// Rows of the embedding table and of the logits.
    pub vocab_size: u32,
    /// Width of the residual stream.
    pub hidden_size: u32,
    /// Decoder layers.
    pub layers: u32,
    /// Shape of attention, the same in all layers.
    pub heads: Heads,
    /// The most positions that the model was trained for, where its config says so.
    pub max_positions: Option<u32>,
    /// How many tokens a sequence may have before its rotations have their long frequencies.
    pub stretched_after: Option<u32>,
    /// What names of the package have before those of the checkpoint.
    pub prefix: &'static str,
    /// Parameters, in order of first use.
    pub params: Vec<GraphParam>,
    /// Ops in order of execution.
    pub ops: Vec<Op>,
}

impl Graph {
    /// The op that makes a value.
    #[must_use]
    pub fn op(&self, value: Value) -> &Op {
        &self.ops[value.0]
    }

    /// A parameter.
    #[must_use]
    pub fn param(&self, id: ParamId) -> &GraphParam {
        &self.params[id.0]
    }
}
