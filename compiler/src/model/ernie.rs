//! ERNIE 4.5, dense: Llama whose rope rotates neighbours.

use super::parts::{Rotated, gated_mlp, qkv};
use crate::Error;
use crate::graph::{Attention, Graph, Norm, Pairs};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default)]
    use_bias: bool,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let Config { of: Rotated { decoder, rope }, use_bias: bias } = config.read("ernie4_5")?;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(true));
    let mut graph = decoder.graph("ernie4_5")?;
    let hidden = graph.hidden_size;

    let angles = rope.or(Some(500_000.0), None).angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(decoder.rms_norm_eps);
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = qkv(&mut graph, h, &attn, "qkv_proj", bias);
        let h = graph.attention(h, layer, Attention { rotation, pairs: Pairs::Neighbours, ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], bias);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = gated_mlp(&mut graph, h, &format!("{at}.mlp"), ffn, act, bias);
        x = graph.add(x, h);
    }
    let h = graph.norm(x, "model.norm", norm);
    let logits = graph.head(h, tied.then_some("model.embed_tokens"));
    graph.argmax(logits);
    Ok(graph)
}
