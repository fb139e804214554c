//! Hunyuan, dense: Llama with norms of query and key heads behind the rotation.

use super::parts::{Rotated, gated_mlp, logits, qkv};
use crate::Error;
use crate::graph::{Attention, Graph, HeadSpan, Norm, Pairs};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default)]
    attention_bias: bool,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let Config { of: Rotated { decoder, rope }, attention_bias: bias } =
        config.or(&[("max_position_embeddings", 2048.into())]).read("hunyuan_v1_dense")?;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph("hunyuan_v1_dense")?;
    let hidden = graph.hidden_size;

    let angles = rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = graph.rotation(angles);
    let norm = Norm::rms(decoder.rms_norm_eps);
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = qkv(&mut graph, h, &attn, "qkv_proj", bias);
        let h = graph.rope(h, layer, rotation, Pairs::Halves, None);
        let h = graph.head_norm(h, &attn, ["query_layernorm", "key_layernorm"], HeadSpan::Each, norm);
        let h = graph.attention(h, layer, Attention::default());
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], bias);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = gated_mlp(&mut graph, h, &format!("{at}.mlp"), ffn, act, false);
        x = graph.add(x, h);
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
