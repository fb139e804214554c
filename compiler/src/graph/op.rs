//! The ops that architectures are written in. `x`, `qkv` and so on are rows of f32.

#[cfg(doc)]
use super::Graph;
use super::{Act, Heads, ParamId, Value};

/// A step of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// For people, such as `layers.0.self_attn.qkv_proj`.
    pub label: String,
    /// What it does.
    pub kind: OpKind,
    /// Elements in a row of the value it makes.
    pub width: u32,
}

impl Op {
    /// The values it reads.
    pub fn reads(&self) -> impl Iterator<Item = Value> + use<> {
        let (first, second) = match self.kind {
            OpKind::Embed { .. } | OpKind::Rotation { .. } => (None, None),
            OpKind::Positions { input, .. }
            | OpKind::Norm { input, .. }
            | OpKind::Linear { input, .. }
            | OpKind::GroupNorm { input, .. }
            | OpKind::ScaleBy { input, .. }
            | OpKind::HeadNorm { input, .. }
            | OpKind::Append { input, .. }
            | OpKind::Attention { query: input, .. }
            | OpKind::Gated { input, .. }
            | OpKind::Act { input, .. }
            | OpKind::Scale { input, .. }
            | OpKind::SoftCap { input, .. }
            | OpKind::ArgMax { input } => (Some(input), None),
            OpKind::Rope { input, rotation, .. } => (Some(input), Some(rotation)),
            OpKind::Add { left, right } => (Some(left), Some(right)),
            OpKind::Multiply { input, other, .. } => (Some(input), Some(other)),
        };
        first.into_iter().chain(second)
    }
}

/// What a norm divides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NormKind {
    /// The root of the mean square.
    Rms,
    /// The standard deviation, once the mean is taken off.
    Layer,
}

/// Which elements of a head are rotated together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pairs {
    /// Each of the first half of the rotated elements with the one as far into the second half.
    #[default]
    Halves,
    /// Neighbours: element 2i with 2i + 1.
    Neighbours,
}

/// Queries that grow with their position, by the factor `1 + rate * ln(1 + floor(position / span))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// See above.
    pub rate: f32,
    /// Positions that share a factor.
    pub span: u32,
}

/// What the heads of a row are normed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeadSpan {
    /// Each head by itself, with a gain for all heads of its kind.
    Each,
    /// All query heads together, and all key heads, with a gain for each element.
    All,
}

/// Which half of a row an activation gates with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Gate {
    /// The first.
    #[default]
    First,
    /// The second.
    Second,
}

/// What an op does.
#[derive(Clone, Debug, PartialEq)]
pub enum OpKind {
    /// The row of `table` for each token.
    Embed {
        /// `[vocab, width]`.
        table: ParamId,
    },
    /// Adds the row of `table` for each position.
    Positions {
        /// What it is added to.
        input: Value,
        /// `[positions, width]`.
        table: ParamId,
    },
    /// Cosine and sine of position times frequency, for [`OpKind::Rope`]. There is a frequency for each pair of rotated elements.
    Rotation {
        /// Radians a position.
        frequencies: Vec<f32>,
        /// The same for sequences of more than [`Graph::stretched_after`] tokens, where they differ.
        long: Option<Vec<f32>>,
        /// Factor on cosines and sines.
        factor: f32,
    },
    /// Norm with a gain, and maybe a bias.
    Norm {
        /// What is normed.
        input: Value,
        /// What it is divided by.
        kind: NormKind,
        /// `[width]`.
        gain: ParamId,
        /// `[width]`, added in the end.
        bias: Option<ParamId>,
        /// Added to the mean square, or the variance.
        eps: f32,
    },
    /// `W x`, plus a bias.
    Linear {
        /// x.
        input: Value,
        /// `[n, k]`.
        weight: ParamId,
        /// `[n]`.
        bias: Option<ParamId>,
    },
    /// Norms each piece of a row, as long as the gain, by the root of its mean square.
    GroupNorm {
        /// What is normed.
        input: Value,
        /// The gain of every piece.
        gain: ParamId,
        /// Added to the mean square.
        eps: f32,
    },
    /// Norms the query and the key heads of `qkv` by the root of their mean square.
    HeadNorm {
        /// Query, key and value heads.
        input: Value,
        /// What is normed together.
        span: HeadSpan,
        /// Whether value heads are normed too, without a gain.
        values: bool,
        /// `[dim]`, or `[query * dim]`.
        query_gain: ParamId,
        /// `[dim]`, or `[kv * dim]`.
        key_gain: ParamId,
        /// Added to the mean square.
        eps: f32,
    },
    /// Rotates the first elements of the query and key heads of `qkv`: as many as the rotation is wide. The others pass.
    Rope {
        /// Query, key and value heads.
        input: Value,
        /// An [`OpKind::Rotation`].
        rotation: Value,
        /// Which elements are rotated together.
        pairs: Pairs,
        /// How queries grow, if they do.
        growth: Option<Growth>,
    },
    /// Stores the key and value heads of `qkv` in the cache of a layer; the query heads remain.
    Append {
        /// Query, key and value heads.
        input: Value,
        /// Whose cache. Without one, there are query heads alone.
        layer: Option<u32>,
        /// Their shape.
        heads: Heads,
    },
    /// Causal attention of query heads over the cache of a layer.
    Attention {
        /// Query heads.
        query: Value,
        /// Whose cache.
        layer: u32,
        /// The shape of query heads, and of what the cache holds.
        heads: Heads,
        /// Factor on the scores.
        scale: f32,
        /// Scores become `cap * tanh(score / cap)`.
        softcap: Option<f32>,
        /// Keys this many positions back and further are not seen.
        window: Option<u32>,
    },
    /// `act(a) * b` of the two halves of each row.
    Gated {
        /// Both halves.
        input: Value,
        /// The activation.
        act: Act,
        /// Which half is `a`.
        gate: Gate,
    },
    /// `act(x)`.
    Act {
        /// x.
        input: Value,
        /// The activation.
        act: Act,
    },
    /// `factor * x`.
    Scale {
        /// x.
        input: Value,
        /// The factor.
        factor: f32,
    },
    /// `cap * tanh(x / cap)`.
    SoftCap {
        /// x.
        input: Value,
        /// The cap.
        cap: f32,
    },
    /// Every element times a parameter of one element.
    ScaleBy {
        /// x.
        input: Value,
        /// `[1]`.
        factor: ParamId,
    },
    /// Element by element, times a slice of a wider row.
    Multiply {
        /// x.
        input: Value,
        /// The wider row.
        other: Value,
        /// Where in it the slice begins: a multiple of four.
        first: u32,
    },
    /// Sum.
    Add {
        /// The residual stream.
        left: Value,
        /// What is added.
        right: Value,
    },
    /// The id of the greatest logit: ends the graph.
    ArgMax {
        /// Logits.
        input: Value,
    },
}
