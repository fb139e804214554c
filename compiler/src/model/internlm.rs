//! InternLM (the first): Llama with biases in attention.

use super::check;
use super::parts::{Rotated, gated_mlp, qkv};
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
    let hidden = graph.hidden_size;
    // Its `dynamic` changes nothing up to the length of training, and a longer context is refused.
    let base = rotary.as_ref().and_then(|rotary| rotary.get("base")).and_then(Value::as_f64);
    let is_dynamic = rotary.as_ref().and_then(|rotary| rotary.get("type")).is_some_and(|kind| kind == "dynamic");
    if let (true, Some(context), Some(trained)) = (is_dynamic, config.context_window_size, graph.max_positions) {
        check("context_window_size", context, context <= trained, || format!("at most {trained}"))?;
    }

    let angles = rope.or(base, None).angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(decoder.rms_norm_eps);
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = qkv(&mut graph, h, &attn, "wqkv_pack", bias);
        let h = graph.attention(h, layer, Attention { rotation, ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], bias);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = gated_mlp(&mut graph, h, &format!("{at}.mlp"), ffn, act, false);
        x = graph.add(x, h);
    }
    let h = graph.norm(x, "model.norm", norm);
    let logits = graph.head(h, tied.then_some("model.embed_tokens"));
    graph.argmax(logits);
    Ok(graph)
}
