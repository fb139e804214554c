//! Orion: Llama with layer norms.

use super::parts::{Rotated, gated_mlp, qkv};
use crate::Error;
use crate::graph::{Attention, Graph, Norm};

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let Rotated { decoder, rope } = config.read("orion")?;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph("orion")?;
    let hidden = graph.hidden_size;

    let angles = rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::layer(decoder.rms_norm_eps);
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = qkv(&mut graph, h, &attn, "qkv_proj", false);
        let h = graph.attention(h, layer, Attention { rotation, ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], false);
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
