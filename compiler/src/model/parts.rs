//! What many architectures write down in the same way: the settings of a decoder with Llama's names, its layers, projections and MLP, its
//! logits, and defaults.

use super::{Decoder, Rope};
use crate::Error;
use crate::graph::{Act, Attention, Graph, Norm, Source, Value};
use serde::Deserialize;

/// The settings of a decoder with rope.
#[derive(Deserialize)]
pub(super) struct Rotated {
    #[serde(flatten)]
    pub decoder: Decoder,
    #[serde(flatten)]
    pub rope: Rope,
}

/// A layer as Llama has it: a norm before attention and one before the MLP.
pub(super) struct Layer {
    pub norm: Norm,
    /// The name of the query, key and value heads in packages.
    pub qkv: &'static str,
    pub qkv_bias: bool,
    pub output_bias: bool,
    pub ffn: u32,
    pub act: Act,
    pub mlp_bias: bool,
}

impl Layer {
    /// Writes it down as the layer of this number.
    pub fn write(&self, graph: &mut Graph, x: Value, layer: u32, attention: Attention) -> Value {
        let (hidden, at) = (graph.hidden_size, format!("model.layers.{layer}"));
        let attn = format!("{at}.self_attn");

        let h = graph.norm(x, &format!("{at}.input_layernorm"), self.norm);
        let h = qkv(graph, h, &attn, self.qkv, self.qkv_bias);
        let h = graph.attention(h, layer, attention);
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], self.output_bias);
        let x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), self.norm);
        let h = gated_mlp(graph, h, &format!("{at}.mlp"), self.ffn, self.act, self.mlp_bias);
        graph.add(x, h)
    }
}

/// The logits behind the last layer.
pub(super) fn logits(graph: &mut Graph, x: Value, norm: Norm, tied: bool) -> Value {
    let h = graph.norm(x, "model.norm", norm);
    graph.head(h, tied.then_some("model.embed_tokens"))
}

/// The query, key and value heads: the layer `NAME` of the package, stacked from Llama's three.
pub(super) fn qkv(graph: &mut Graph, input: Value, path: &str, name: &str, bias: bool) -> Value {
    let heads = graph.heads;
    let parts = [("q_proj", heads.query_width()), ("k_proj", heads.kv_width()), ("v_proj", heads.kv_width())];
    graph.linear(input, path, name, &parts, bias)
}

/// Llama's gated MLP.
pub(super) fn gated_mlp(graph: &mut Graph, input: Value, path: &str, ffn: u32, act: Act, bias: bool) -> Value {
    let hidden = graph.hidden_size;
    let h = graph.linear(input, path, "gate_up_proj", &[("gate_proj", ffn), ("up_proj", ffn)], bias);
    let h = graph.gated(h, act);
    graph.linear(h, path, "down_proj", &[("down_proj", hidden)], bias)
}

/// The rows of a layer of a checkpoint that has, for each key head in turn, its query heads, the key head and the value head. They are in the
/// order of packages here: all query heads, all key heads, all value heads.
pub(super) fn grouped(graph: &Graph, name: &str) -> Vec<Source> {
    let heads = graph.heads;
    let (dim, shared) = (u64::from(heads.dim), u64::from(heads.query / heads.kv));
    let (group, of) = ((shared + 2) * dim, u64::from(heads.width()));
    let rows = |first: u64, rows: u64| {
        let of_group = move |kv: u64| Source { name: name.to_owned(), first: kv * group + first, rows, of };
        (0..u64::from(heads.kv)).map(of_group)
    };
    rows(0, shared * dim).chain(rows(shared * dim, dim)).chain(rows((shared + 1) * dim, dim)).collect()
}

/// A layer of the checkpoint that is not stacked from others.
pub(super) fn whole(name: String, rows: u32) -> [Source; 1] {
    [Source::whole(name, rows.into())]
}

/// A factor that must be a number, and not zero.
pub(super) fn factor(setting: &'static str, value: f64) -> Result<f32, Error> {
    super::check(setting, value, value.is_finite() && value != 0.0 && value as f32 != 0.0, || "a number other than 0".into())?;
    Ok(value as f32)
}

pub(super) fn yes() -> bool {
    true
}

pub(super) fn one() -> f64 {
    1.0
}

/// The epsilon of most layer norms.
pub(super) fn eps() -> f32 {
    1e-5
}
