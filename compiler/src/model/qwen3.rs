//! Qwen 3: each query and key head is normed before it is rotated, and the head size does not follow from the width.

use super::parts::{gated_mlp, logits, qkv};
use super::{Decoder, Rope, Windows};
use crate::Error;
use crate::graph::{Attention, Graph, HeadSpan, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    decoder: Decoder,
    #[serde(flatten)]
    rope: Rope,
    #[serde(flatten)]
    windows: Windows,
    #[serde(default)]
    attention_bias: bool,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let mut read: Config = config.read("qwen3")?;
    read.decoder.head_dim.get_or_insert(128);
    let Decoder { intermediate_size: ffn, rms_norm_eps: eps, .. } = read.decoder;
    let (act, tied) = (read.decoder.act()?, read.decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = read.decoder.graph("qwen3")?;
    let hidden = graph.hidden_size;
    let windows = read.windows.of_layers(graph.layers)?;

    let angles = read.rope.angles(&graph, &windows, config.context_window_size)?;
    let rotation = graph.rotation(angles);
    let norm = Norm::rms(eps);
    let mut x = graph.embed("model.embed_tokens");
    for (layer, window) in (0..).zip(windows) {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = qkv(&mut graph, h, &attn, "c_attn", read.attention_bias);
        let h = graph.head_norm(h, &attn, ["q_norm", "k_norm"], HeadSpan::Each, norm);
        let h = graph.attention(h, layer, Attention { rotation: Some(rotation), window, ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], read.attention_bias);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = gated_mlp(&mut graph, h, &format!("{at}.mlp"), ffn, act, false);
        x = graph.add(x, h);
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
