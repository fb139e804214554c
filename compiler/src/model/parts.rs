//! What many architectures write down in the same way: the settings of a decoder with Llama's names, its projections and its MLP.

use super::{Decoder, Rope};
use crate::Error;
use crate::graph::{Act, Graph, Source, Value};
use serde::Deserialize;

/// The settings of a decoder with rope.
#[derive(Deserialize)]
pub(super) struct Rotated {
    #[serde(flatten)]
    pub decoder: Decoder,
    #[serde(flatten)]
    pub rope: Rope,
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
