//! Mistral: Llama with a sliding window in every layer (7B v0.1), or none (v0.2 on, Nemo).

use super::window::window;
use super::{Decoder, Rope};
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    decoder: Decoder,
    #[serde(flatten)]
    rope: Rope,
    sliding_window: Option<i64>,
    /// MLC's spelling.
    sliding_window_size: Option<i64>,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("mistral")?;
    let Decoder { intermediate_size: ffn, rms_norm_eps: eps, .. } = read.decoder;
    let (act, tied) = (read.decoder.act()?, read.decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = read.decoder.graph("mistral")?;
    let (hidden, heads) = (graph.hidden_size, graph.heads);
    let window = window("sliding_window", read.sliding_window.or(read.sliding_window_size))?;

    let angles = read.rope.angles(&graph, &[window], config.context_window_size)?;
    let rotation = graph.rotation(angles);
    let norm = Norm::rms(eps);
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let (attn, mlp) = (format!("{at}.self_attn"), format!("{at}.mlp"));

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let parts = [("q_proj", heads.query_width()), ("k_proj", heads.kv_width()), ("v_proj", heads.kv_width())];
        let h = graph.linear(h, &attn, "qkv_proj", &parts, false);
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
