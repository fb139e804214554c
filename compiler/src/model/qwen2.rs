//! Qwen 1.5, 2 and 2.5: Llama with biases on the QKV projection, and windows in the upper layers where they are switched on.

use super::{Decoder, Rope, Windows};
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    decoder: Decoder,
    #[serde(flatten)]
    rope: Rope,
    #[serde(flatten)]
    windows: Windows,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("qwen2")?;
    let Decoder { intermediate_size: ffn, rms_norm_eps: eps, .. } = read.decoder;
    let (act, tied) = (read.decoder.act()?, read.decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = read.decoder.graph("qwen2")?;
    let (hidden, heads) = (graph.hidden_size, graph.heads);
    let windows = read.windows.of_layers(graph.layers)?;

    let angles = read.rope.angles(&graph, &windows, config.context_window_size)?;
    let rotation = graph.rotation(angles);
    let norm = Norm::rms(eps);
    let mut x = graph.embed("model.embed_tokens");
    for (layer, window) in (0..).zip(windows) {
        let at = format!("model.layers.{layer}");
        let (attn, mlp) = (format!("{at}.self_attn"), format!("{at}.mlp"));

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let parts = [("q_proj", heads.query_width()), ("k_proj", heads.kv_width()), ("v_proj", heads.kv_width())];
        let h = graph.linear(h, &attn, "c_attn", &parts, true);
        let h = graph.attention(h, layer, Attention { rotation: Some(rotation), window, ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], false);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = graph.linear(h, &mlp, "gate_up_proj", &[("gate_proj", ffn), ("up_proj", ffn)], false);
        let h = graph.gated(h, act);
        let h = graph.linear(h, &mlp, "down_proj", &[("down_proj", hidden)], false);
        x = graph.add(x, h);
    }
    let h = graph.norm(x, "model.norm", norm);
    let logits = graph.head(h, tied.then_some("model.embed_tokens"));
    graph.argmax(logits);
    Ok(graph)
}
