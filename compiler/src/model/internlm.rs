//! InternLM (the first): Llama with biases in attention.

use super::check;
use super::parts::{Layer, Rotated, logits};
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default = "super::parts::yes")]
    bias: bool,
    rotary: Option<Value>,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let Config { of: Rotated { decoder, rope }, bias, rotary } = config.read("internlm")?;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph("internlm")?;
    // Its `dynamic` changes nothing up to the length of training, and a longer context is refused.
    let base = rotary.as_ref().and_then(|rotary| rotary.get("base")).and_then(Value::as_f64);
    let is_dynamic = rotary.as_ref().and_then(|rotary| rotary.get("type")).is_some_and(|kind| kind == "dynamic");
    if let (true, Some(context), Some(trained)) = (is_dynamic, config.context_window_size, graph.max_positions) {
        check("context_window_size", context, context <= trained, || format!("at most {trained}"))?;
    }

    let angles = rope.or(base, None).angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(decoder.rms_norm_eps);
    let layers = Layer { norm, qkv: "wqkv_pack", qkv_bias: bias, output_bias: bias, ffn, act, mlp_bias: false };
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        x = layers.write(&mut graph, x, layer, Attention { rotation, ..Attention::default() });
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
