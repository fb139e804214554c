//! How architectures write their ops down: in the order of execution, each making one value. Parameters have the names of the checkpoint.

use super::{Act, Change, Graph, GraphParam, NormKind, Op, OpKind, ParamId, Source, Value};

/// How a model norms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// What it divides by.
    pub kind: NormKind,
    /// Added to the mean square, or the variance.
    pub eps: f32,
    /// Whether there is a bias beside the gain.
    pub bias: bool,
    /// Whether a checkpoint's gains are what exceeds one.
    pub one_plus: bool,
}

impl Norm {
    /// Root-mean-square norm with a gain.
    #[must_use]
    pub fn rms(eps: f32) -> Norm {
        Norm { kind: NormKind::Rms, eps, bias: false, one_plus: false }
    }

    /// Layer norm with a gain and a bias.
    #[must_use]
    pub fn layer(eps: f32) -> Norm {
        Norm { kind: NormKind::Layer, eps, bias: true, one_plus: false }
    }
}

/// What attention does beyond looking at keys.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Attention {
    /// The rotation of queries and keys, where there is one.
    pub rotation: Option<Value>,
    /// Factor on the scores; without it, one over the root of the head size.
    pub scale: Option<f32>,
    /// See [`OpKind::Attention`].
    pub softcap: Option<f32>,
    /// See [`OpKind::Attention`].
    pub window: Option<u32>,
}

impl Graph {
    /// Token embedding with the table `NAME.weight`.
    pub fn embed(&mut self, name: &str) -> Value {
        let table = self.table(name, self.vocab_size);
        self.push(name, OpKind::Embed { table }, self.hidden_size)
    }

    /// Adds learned positions with the table `NAME.weight`.
    pub fn positions(&mut self, input: Value, name: &str, positions: u32) -> Value {
        let table = self.table(name, positions);
        self.push(name, OpKind::Positions { input, table }, self.hidden_size)
    }

    /// The rotation of every row.
    pub fn rotation(&mut self, frequencies: Vec<f32>) -> Value {
        let width = 2 * frequencies.len() as u32;
        self.push("rotation", OpKind::Rotation { frequencies }, width)
    }

    /// Norm with the gain `NAME.weight`, and the bias `NAME.bias` where there is one.
    pub fn norm(&mut self, input: Value, name: &str, norm: Norm) -> Value {
        let width = self.op(input).width;
        let change = if norm.one_plus { Change::AddOne } else { Change::None };
        let gain = self.vector(format!("{name}.weight"), width, change);
        let bias = norm.bias.then(|| self.vector(format!("{name}.bias"), width, Change::None));
        self.push(name, OpKind::Norm { input, kind: norm.kind, gain, bias, eps: norm.eps }, width)
    }

    /// The linear layer `PATH.NAME` of the package, stacked from `parts`: name beside it in the checkpoint, and output features.
    pub fn linear(&mut self, input: Value, path: &str, name: &str, parts: &[(&str, u32)], bias: bool) -> Value {
        let width: u32 = parts.iter().map(|&(_, rows)| rows).sum();
        let at = |name: &str, tensor: &str| if path.is_empty() { format!("{name}.{tensor}") } else { format!("{path}.{name}.{tensor}") };
        let sources = |tensor: &str| parts.iter().map(|&(part, rows)| Source { name: at(part, tensor), rows: rows.into() }).collect();
        let shape = vec![u64::from(width), u64::from(self.op(input).width)];
        let weight = self.parameter(at(name, "weight"), sources("weight"), shape, true, Change::None);
        let bias = bias.then(|| self.parameter(at(name, "bias"), sources("bias"), vec![width.into()], false, Change::None));
        let label = at(name, "");
        self.push(label.trim_end_matches('.'), OpKind::Linear { input, weight, bias }, width)
    }

    /// GPT-2's linear layer `NAME` with a bias, whose weights a checkpoint has as `[in, out]`.
    pub fn conv1d(&mut self, input: Value, name: &str, width: u32) -> Value {
        let k = u64::from(self.op(input).width);
        let sources = vec![Source { name: format!("{name}.weight"), rows: width.into() }];
        let weight = self.parameter(format!("{name}.weight"), sources, vec![width.into(), k], true, Change::Transpose);
        let bias = Some(self.vector(format!("{name}.bias"), width, Change::None));
        self.push(name, OpKind::Linear { input, weight, bias }, width)
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
        let [query_gain, key_gain] =
            ["q_norm", "k_norm"].map(|name| self.vector(format!("{path}.{name}.weight"), self.heads.dim, Change::None));
        self.push(&format!("{path}.qk_norm"), OpKind::HeadNorm { input, query_gain, key_gain, eps }, self.heads.width())
    }

    /// Rotation of query and key heads, keys and values appended to the cache of `layer`, then attention of the queries: the steps that follow
    /// any QKV projection.
    pub fn attention(&mut self, mut qkv: Value, layer: u32, attention: Attention) -> Value {
        let (heads, at) = (self.heads, format!("layers.{layer}"));
        let Attention { rotation, scale, softcap, window } = attention;
        if let Some(rotation) = rotation {
            qkv = self.push(&format!("{at}.rope"), OpKind::Rope { input: qkv, rotation }, heads.width());
        }
        let query = self.push(&format!("{at}.append"), OpKind::Append { input: qkv, layer }, heads.query_width());
        // As PyTorch does it: the root in double precision, then rounded.
        let scale = scale.unwrap_or((1.0 / f64::from(heads.dim).sqrt()) as f32);
        let kind = OpKind::Attention { query, layer, scale, softcap, window };
        self.push(&format!("{at}.attention"), kind, heads.query_width())
    }

    /// Gated activation of the two halves of a row.
    pub fn gated(&mut self, input: Value, act: Act) -> Value {
        let label = format!("{}.{}_mul", self.op(input).label, act.name());
        let width = self.op(input).width / 2;
        self.push(&label, OpKind::Gated { input, act }, width)
    }

    /// Activation.
    pub fn act(&mut self, input: Value, act: Act) -> Value {
        let label = format!("{}.{}", self.op(input).label, act.name());
        let width = self.op(input).width;
        self.push(&label, OpKind::Act { input, act }, width)
    }

    /// Every element times a factor.
    pub fn scale(&mut self, input: Value, factor: f32) -> Value {
        let label = format!("{}.scale", self.op(input).label);
        let width = self.op(input).width;
        self.push(&label, OpKind::Scale { input, factor }, width)
    }

    /// Every element kept below a cap by a hyperbolic tangent.
    pub fn softcap(&mut self, input: Value, cap: f32) -> Value {
        let label = format!("{}.softcap", self.op(input).label);
        let width = self.op(input).width;
        self.push(&label, OpKind::SoftCap { input, cap }, width)
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

    fn parameter(&mut self, name: String, sources: Vec<Source>, shape: Vec<u64>, quantize: bool, change: Change) -> ParamId {
        self.params.push(GraphParam { name, sources, shape, quantize, change });
        ParamId(self.params.len() - 1)
    }

    fn table(&mut self, name: &str, rows: u32) -> ParamId {
        let (name, rows) = (format!("{name}.weight"), u64::from(rows));
        self.parameter(name.clone(), vec![Source { name, rows }], vec![rows, u64::from(self.hidden_size)], true, Change::None)
    }

    fn vector(&mut self, name: String, length: u32, change: Change) -> ParamId {
        let rows = u64::from(length);
        self.parameter(name.clone(), vec![Source { name, rows }], vec![rows], false, change)
    }
}
