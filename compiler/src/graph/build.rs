//! How architectures write their ops down: in the order of execution, each making one value. Parameters have the names of the checkpoint.

use super::{
    Act, Angles, Attention, Change, Gate, Graph, GraphParam, Growth, HeadSpan, Heads, Norm, Op, OpKind, Pairs, ParamId, Source, Value,
};

impl Graph {
    /// Token embedding with the table `NAME.weight`.
    pub fn embed(&mut self, name: &str) -> Value {
        self.embed_from(name, name)
    }

    /// The same with the table `SOURCE.weight` of the checkpoint.
    pub fn embed_from(&mut self, name: &str, source: &str) -> Value {
        self.embed_wide(name, source, self.hidden_size)
    }

    /// The same with rows of another width.
    pub fn embed_wide(&mut self, name: &str, source: &str, width: u32) -> Value {
        let table = self.table(name, source, self.vocab_size, width);
        self.push(name, OpKind::Embed { table }, width)
    }

    /// Adds learned positions with the table `NAME.weight`.
    pub fn positions(&mut self, input: Value, name: &str, positions: u32) -> Value {
        let table = self.table(name, name, positions, self.hidden_size);
        self.push(name, OpKind::Positions { input, table }, self.hidden_size)
    }

    /// The rotation of every row.
    pub fn rotation(&mut self, angles: Angles) -> Value {
        let Angles { frequencies, long, factor } = angles;
        let width = 2 * frequencies.len() as u32;
        let long = long.map(|(after, long)| {
            self.stretched_after = Some(after);
            long
        });
        self.push("rotation", OpKind::Rotation { frequencies, long, factor }, width)
    }

    /// Norm with the gain `NAME.weight`, and the bias `NAME.bias` where there is one.
    pub fn norm(&mut self, input: Value, name: &str, norm: Norm) -> Value {
        self.norm_from(input, name, name, norm)
    }

    /// The same with the vectors `SOURCE.weight` and `SOURCE.bias` of the checkpoint.
    pub fn norm_from(&mut self, input: Value, name: &str, source: &str, norm: Norm) -> Value {
        let width = self.op(input).width;
        let gain = self.vector(format!("{name}.weight"), format!("{source}.weight"), width, norm.change());
        let bias = norm.bias.then(|| self.vector(format!("{name}.bias"), format!("{source}.bias"), width, Change::None));
        self.push(name, OpKind::Norm { input, kind: norm.kind, gain, bias, eps: norm.eps }, width)
    }

    /// The linear layer `PATH.NAME` of the package, stacked from `parts`: name beside it in the checkpoint, and output features.
    pub fn linear(&mut self, input: Value, path: &str, name: &str, parts: &[(&str, u32)], bias: bool) -> Value {
        let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let sources: Vec<Source> = parts.iter().map(|&(part, rows)| Source::whole(at(part), rows.into())).collect();
        self.linear_from(input, &at(name), &sources, bias)
    }

    /// The linear layer `NAME` of the package, stacked from rows of the checkpoint's layers `sources`.
    pub fn linear_from(&mut self, input: Value, name: &str, sources: &[Source], bias: bool) -> Value {
        let width: u64 = sources.iter().map(|source| source.rows).sum();
        let of = |tensor: &str| {
            let named = |source: &Source| Source { name: format!("{}.{tensor}", source.name), ..source.clone() };
            sources.iter().map(named).collect::<Vec<_>>()
        };
        let shape = vec![width, u64::from(self.op(input).width)];
        let weight = self.parameter(format!("{name}.weight"), of("weight"), shape, true, Change::None);
        let bias = bias.then(|| self.parameter(format!("{name}.bias"), of("bias"), vec![width], false, Change::None));
        self.push(name, OpKind::Linear { input, weight, bias }, width as u32)
    }

    /// GPT-2's linear layer `NAME` with a bias, whose weights a checkpoint has as `[in, out]`.
    pub fn conv1d(&mut self, input: Value, name: &str, width: u32) -> Value {
        let k = u64::from(self.op(input).width);
        let sources = vec![Source::whole(format!("{name}.weight"), width.into())];
        let weight = self.parameter(format!("{name}.weight"), sources, vec![width.into(), k], true, Change::Transpose);
        let bias = Some(self.vector(format!("{name}.bias"), format!("{name}.bias"), width, Change::None));
        self.push(name, OpKind::Linear { input, weight, bias }, width)
    }

    /// The linear layer `PATH.NAME`, as [`Graph::linear`], which the package has as the checkpoint does: in parts.
    pub fn linear_apart(&mut self, input: Value, path: &str, name: &str, parts: &[(&str, u32)], bias: bool) -> Value {
        let first = self.params.len();
        let made = self.linear(input, path, name, parts, bias);
        let prefix = self.prefix;
        for param in &mut self.params[first..] {
            param.apart = param.sources.iter().map(|source| (format!("{prefix}{}", source.name), source.rows)).collect();
        }
        made
    }

    /// The output layer `NAME`, which the checkpoint has as `SOURCE`.
    pub fn head_from(&mut self, input: Value, name: &str, source: &str, bias: bool) -> Value {
        self.linear_from(input, name, &[Source::whole(source.to_owned(), self.vocab_size.into())], bias)
    }

    /// Says that the tensors of the last parameter differ from it.
    pub fn change_last(&mut self, change: Change) {
        if let Some(param) = self.params.last_mut() {
            param.change = change;
        }
    }

    /// The output layer: `lm_head`, or the embedding table where they are tied.
    pub fn head(&mut self, input: Value, tied: Option<&str>) -> Value {
        let Some(name) = tied else { return self.linear(input, "", "lm_head", &[("lm_head", self.vocab_size)], false) };
        let name = format!("{}{name}.weight", self.prefix);
        let table = self.params.iter().position(|param| param.name == name).expect("the embedding comes first");
        self.push("lm_head", OpKind::Linear { input, weight: ParamId(table), bias: None }, self.vocab_size)
    }

    /// Norms of the query and key heads, with the gains `PATH.NAME.weight` of both names.
    pub fn head_norm(&mut self, input: Value, path: &str, names: [&str; 2], span: HeadSpan, norm: Norm) -> Value {
        self.heads_normed(input, path, names, span, norm, false)
    }

    /// The same for value heads too, which have no gain.
    pub fn head_norm_of_all(&mut self, input: Value, path: &str, names: [&str; 2], norm: Norm) -> Value {
        self.heads_normed(input, path, names, HeadSpan::Each, norm, true)
    }

    /// Norms of query heads, where there are no others.
    pub fn query_norm(&mut self, input: Value, path: &str, name: &str, norm: Norm) -> Value {
        let name = format!("{path}.{name}.weight");
        let gain = self.vector(name.clone(), name, self.heads.dim, norm.change());
        let kind = OpKind::HeadNorm { input, span: HeadSpan::Each, values: false, query_gain: gain, key_gain: gain, eps: norm.eps };
        self.push(&format!("{path}.q_norm"), kind, self.heads.query_width())
    }

    fn heads_normed(&mut self, input: Value, path: &str, names: [&str; 2], span: HeadSpan, norm: Norm, values: bool) -> Value {
        let widths = if span == HeadSpan::All { [self.heads.query_width(), self.heads.kv_width()] } else { [self.heads.dim; 2] };
        let mut gain = |i: usize| {
            let name = format!("{path}.{}.weight", names[i]);
            self.vector(name.clone(), name, widths[i], norm.change())
        };
        let (query_gain, key_gain) = (gain(0), gain(1));
        let kind = OpKind::HeadNorm { input, span, values, query_gain, key_gain, eps: norm.eps };
        self.push(&format!("{path}.qk_norm"), kind, self.heads.width())
    }

    /// Rotation of query and key heads.
    pub fn rope(&mut self, input: Value, layer: u32, rotation: Value, pairs: Pairs, growth: Option<Growth>) -> Value {
        let width = self.op(input).width;
        self.push(&format!("layers.{layer}.rope"), OpKind::Rope { input, rotation, pairs, growth }, width)
    }

    /// Rotation of query and key heads, keys and values appended to the cache of `layer`, then attention of the queries: the steps that follow
    /// any QKV projection.
    pub fn attention(&mut self, mut qkv: Value, layer: u32, attention: Attention) -> Value {
        let (heads, at) = (self.heads, format!("layers.{layer}"));
        let Attention { rotation, pairs, growth, scale, softcap, window, shared } = attention;
        if let Some(rotation) = rotation {
            qkv = self.rope(qkv, layer, rotation, pairs, growth);
        }
        let (append, appended) = match shared {
            Some(_) => (OpKind::Append { input: qkv, layer: None, heads: Heads { kv: 0, ..heads } }, "queries"),
            None => (OpKind::Append { input: qkv, layer: Some(layer), heads }, "append"),
        };
        let query = self.push(&format!("{at}.{appended}"), append, heads.query_width());
        // As PyTorch does it: the root in double precision, then rounded.
        let scale = scale.unwrap_or((1.0 / f64::from(heads.dim).sqrt()) as f32);
        let kind = OpKind::Attention { query, layer: shared.unwrap_or(layer), heads, scale, softcap, window };
        self.push(&format!("{at}.attention"), kind, heads.query_width())
    }

    /// Gated activation of the two halves of a row.
    pub fn gated(&mut self, input: Value, act: Act) -> Value {
        self.gated_by(input, act, Gate::First)
    }

    /// The same, where either half may be the gate.
    pub fn gated_by(&mut self, input: Value, act: Act, gate: Gate) -> Value {
        let label = format!("{}.{}_mul", self.op(input).label, act.name());
        let width = self.op(input).width / 2;
        self.push(&label, OpKind::Gated { input, act, gate }, width)
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

    /// Every element times the parameter `NAME` of one element.
    pub fn scale_by(&mut self, input: Value, name: &str) -> Value {
        let factor = self.vector(name.to_owned(), name.to_owned(), 1, Change::None);
        let width = self.op(input).width;
        self.push(name, OpKind::ScaleBy { input, factor }, width)
    }

    /// Times as many elements of a wider row, from `first` on.
    pub fn multiply(&mut self, input: Value, other: Value, first: u32) -> Value {
        let label = format!("{}.mul", self.op(input).label);
        let width = self.op(input).width;
        self.push(&label, OpKind::Multiply { input, other, first }, width)
    }

    /// Norm of each piece of a row, as long as the gain `NAME.weight`.
    pub fn group_norm(&mut self, input: Value, name: &str, length: u32, norm: Norm) -> Value {
        let gain = self.vector(format!("{name}.weight"), format!("{name}.weight"), length, norm.change());
        let width = self.op(input).width;
        self.push(name, OpKind::GroupNorm { input, gain, eps: norm.eps }, width)
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
        let name = format!("{}{name}", self.prefix);
        self.params.push(GraphParam { name, sources, apart: Vec::new(), shape, quantize, change });
        ParamId(self.params.len() - 1)
    }

    fn table(&mut self, name: &str, source: &str, rows: u32, width: u32) -> ParamId {
        let (sources, shape) = (vec![Source::whole(format!("{source}.weight"), rows.into())], vec![rows.into(), width.into()]);
        self.parameter(format!("{name}.weight"), sources, shape, true, Change::None)
    }

    fn vector(&mut self, name: String, source: String, length: u32, change: Change) -> ParamId {
        let rows = u64::from(length);
        self.parameter(name, vec![Source::whole(source, rows)], vec![rows], false, change)
    }
}
