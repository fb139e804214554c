//! The graph: what a model computes, before anything is said of kernels.
//!
//! Values are f32 matrices with a row for each token of a step, so that prefill and decode are one graph lowered twice. Ops are as coarse
//! as architectures write them down (a linear layer, a norm, attention over the cache) and stand in the order of execution; each makes one
//! value. Parameters carry the names of both worlds: that of the weight package and those of the Hugging Face tensors they are made of.

/// A parameter of the graph: one tensor of the package before quantization, stacked from one or more tensors of the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphParam {
    /// Name in the package, such as `model.layers.0.self_attn.qkv_proj.weight`. A quantization replaces `weight` by names of its own.
    pub name: String,
    /// The Hugging Face tensors whose rows, one after another, make up this one.
    pub sources: Vec<Source>,
    /// `[n, k]` for a matrix of n output features, `[n]` for a gain or a bias.
    pub shape: Vec<u64>,
    /// Whether the quantization applies; other tensors are stored in its model dtype.
    pub quantize: bool,
}

/// A tensor of the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its first dimension.
    pub rows: u64,
}

/// A parameter, by its place in [`Graph::params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParamId(pub(crate) usize);

/// What an op makes, by the op's place in [`Graph::ops`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(pub(crate) usize);

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

/// The dozen things that architectures are written in. `x`, `qkv` and so on are rows of f32.
#[derive(Clone, Debug, PartialEq)]
pub enum OpKind {
    /// The row of `table` for each token.
    Embed {
        /// `[vocab, width]`.
        table: ParamId,
    },
    /// Cosine and sine of position times frequency, for [`OpKind::Rope`]. Frequencies are those of half a head.
    Rotation {
        /// Radians a position.
        frequencies: Vec<f32>,
    },
    /// Root-mean-square norm with a gain.
    Norm {
        /// What is normed.
        input: Value,
        /// `[width]`.
        gain: ParamId,
        /// Added to the mean square.
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
    /// Norms each query and each key head of `qkv` by itself.
    HeadNorm {
        /// Query, key and value heads.
        input: Value,
        /// `[dim]`.
        query_gain: ParamId,
        /// `[dim]`.
        key_gain: ParamId,
        /// Added to the mean square.
        eps: f32,
    },
    /// Rotates the query and key heads of `qkv`; the first half of a head is paired with the second.
    Rope {
        /// Query, key and value heads.
        input: Value,
        /// An [`OpKind::Rotation`].
        rotation: Value,
    },
    /// Stores the key and value heads of `qkv` in the cache of a layer; the query heads remain.
    Append {
        /// Query, key and value heads.
        input: Value,
        /// Whose cache.
        layer: u32,
    },
    /// Causal attention of query heads over the cache of a layer.
    Attention {
        /// Query heads.
        query: Value,
        /// Whose cache.
        layer: u32,
        /// Factor on the scores.
        scale: f32,
        /// Keys this many positions back and further are not seen.
        window: Option<u32>,
    },
    /// `silu(a) * b` of the two halves `a`, `b` of each row.
    SiluMul {
        /// Both halves.
        input: Value,
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
            OpKind::Norm { input, .. }
            | OpKind::Linear { input, .. }
            | OpKind::HeadNorm { input, .. }
            | OpKind::Append { input, .. }
            | OpKind::Attention { query: input, .. }
            | OpKind::SiluMul { input }
            | OpKind::ArgMax { input } => (Some(input), None),
            OpKind::Rope { input, rotation } => (Some(input), Some(rotation)),
            OpKind::Add { left, right } => (Some(left), Some(right)),
        };
        first.into_iter().chain(second)
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

    /// Token embedding with the table `NAME.weight`.
    pub fn embed(&mut self, name: &str) -> Value {
        let weight = format!("{name}.weight");
        let rows = u64::from(self.vocab_size);
        let table = self.parameter(weight.clone(), vec![Source { name: weight, rows }], vec![rows, u64::from(self.hidden_size)], true);
        self.push(name, OpKind::Embed { table }, self.hidden_size)
    }

    /// The rotation of every row.
    pub fn rotation(&mut self, frequencies: Vec<f32>) -> Value {
        self.push("rotation", OpKind::Rotation { frequencies }, self.heads.dim)
    }

    /// Norm with the gain `NAME.weight`.
    pub fn norm(&mut self, input: Value, name: &str, eps: f32) -> Value {
        let width = self.op(input).width;
        let gain = self.vector(format!("{name}.weight"), width);
        self.push(name, OpKind::Norm { input, gain, eps }, width)
    }

    /// The linear layer `PATH.NAME` of the package, stacked from `parts`: name beside it in the checkpoint, and output features.
    pub fn linear(&mut self, input: Value, path: &str, name: &str, parts: &[(&str, u32)], bias: bool) -> Value {
        let width: u32 = parts.iter().map(|&(_, rows)| rows).sum();
        let at = |name: &str, tensor: &str| if path.is_empty() { format!("{name}.{tensor}") } else { format!("{path}.{name}.{tensor}") };
        let sources = |tensor: &str| parts.iter().map(|&(part, rows)| Source { name: at(part, tensor), rows: rows.into() }).collect();
        let shape = vec![u64::from(width), u64::from(self.op(input).width)];
        let weight = self.parameter(at(name, "weight"), sources("weight"), shape, true);
        let bias = bias.then(|| self.parameter(at(name, "bias"), sources("bias"), vec![width.into()], false));
        let label = at(name, "");
        self.push(label.trim_end_matches('.'), OpKind::Linear { input, weight, bias }, width)
    }

    /// The output layer: `lm_head`, or the embedding table where they are tied.
    pub fn head(&mut self, input: Value, tied: Option<&str>) -> Value {
        let Some(name) = tied else { return self.linear(input, "", "lm_head", &[("lm_head", self.vocab_size)], false) };
        let name = format!("{name}.weight");
        let table = self.params.iter().position(|param| param.name == name).expect("the embedding comes first");
        self.push("lm_head", OpKind::Linear { input, weight: ParamId(table), bias: None }, self.vocab_size)
    }

    /// Norms of the query and key heads, with the gains `PATH.q_norm.weight` and `PATH.k_norm.weight`.
    pub fn head_norm(&mut self, input: Value, path: &str, eps: f32) -> Value {
        let [query_gain, key_gain] = ["q_norm", "k_norm"].map(|name| self.vector(format!("{path}.{name}.weight"), self.heads.dim));
        self.push(&format!("{path}.qk_norm"), OpKind::HeadNorm { input, query_gain, key_gain, eps }, self.heads.width())
    }

    /// Rotary position embedding of query and key heads, keys and values appended to the cache of `layer`, then attention of the queries:
    /// the three steps that follow any QKV projection.
    pub fn attention(&mut self, qkv: Value, rotation: Value, layer: u32, window: Option<u32>) -> Value {
        let (heads, at) = (self.heads, format!("layers.{layer}"));
        let qkv = self.push(&format!("{at}.rope"), OpKind::Rope { input: qkv, rotation }, heads.width());
        let query = self.push(&format!("{at}.append"), OpKind::Append { input: qkv, layer }, heads.query_width());
        // As PyTorch does it: the root in double precision, then rounded.
        let scale = (1.0 / f64::from(heads.dim).sqrt()) as f32;
        self.push(&format!("{at}.attention"), OpKind::Attention { query, layer, scale, window }, heads.query_width())
    }

    /// Gated activation.
    pub fn silu_mul(&mut self, input: Value) -> Value {
        let label = format!("{}.silu_mul", self.op(input).label);
        let width = self.op(input).width / 2;
        self.push(&label, OpKind::SiluMul { input }, width)
    }

    /// Sum.
    pub fn add(&mut self, left: Value, right: Value) -> Value {
        let label = format!("{}.add", self.op(right).label);
        self.push(&label, OpKind::Add { left, right }, self.op(left).width)
    }

    /// Greedy sampling from logits.
    pub fn argmax(&mut self, input: Value) -> Value {
        self.push("argmax", OpKind::ArgMax { input }, 1)
    }

    fn push(&mut self, label: &str, kind: OpKind, width: u32) -> Value {
        let label = label.strip_prefix("model.").unwrap_or(label).to_owned();
        self.ops.push(Op { label, kind, width });
        Value(self.ops.len() - 1)
    }

    fn parameter(&mut self, name: String, sources: Vec<Source>, shape: Vec<u64>, quantize: bool) -> ParamId {
        self.params.push(GraphParam { name, sources, shape, quantize });
        ParamId(self.params.len() - 1)
    }

    fn vector(&mut self, name: String, length: u32) -> ParamId {
        let rows = u64::from(length);
        self.parameter(name.clone(), vec![Source { name, rows }], vec![rows], false)
    }
}
