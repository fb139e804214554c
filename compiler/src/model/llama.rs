//! Llama: 1 to 3.2, and the many models that share its architecture (TinyLlama, SmolLM2, Code Llama …).

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
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.or(&[("max_position_embeddings", 2048.into())]).read("llama")?;
    let Decoder { intermediate_size: ffn, rms_norm_eps: eps, .. } = read.decoder;
    let (act, tied) = (read.decoder.act()?, read.decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = read.decoder.graph("llama")?;
    let (hidden, heads) = (graph.hidden_size, graph.heads);

    let angles = read.rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = graph.rotation(angles);
    let norm = Norm::rms(eps);
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let (attn, mlp) = (format!("{at}.self_attn"), format!("{at}.mlp"));

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let parts = [("q_proj", heads.query_width()), ("k_proj", heads.kv_width()), ("v_proj", heads.kv_width())];
        let h = graph.linear(h, &attn, "qkv_proj", &parts, read.attention_bias);
        let h = graph.attention(h, layer, Attention { rotation: Some(rotation), ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], read.attention_bias);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = graph.linear(h, &mlp, "gate_up_proj", &[("gate_proj", ffn), ("up_proj", ffn)], read.mlp_bias);
        let h = graph.gated(h, act);
        let h = graph.linear(h, &mlp, "down_proj", &[("down_proj", hidden)], read.mlp_bias);
        x = graph.add(x, h);
    }
    let h = graph.norm(x, "model.norm", norm);
    let logits = graph.head(h, tied.then_some("model.embed_tokens"));
    graph.argmax(logits);
    Ok(graph)
}
