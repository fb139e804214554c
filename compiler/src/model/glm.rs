//! GLM-4 in Hugging Face's form: Llama whose rope rotates neighbours in half of each head. The models of April 2025 (`glm4`) have norms behind
//! attention and MLP, too.

use super::parts::{Rotated, logits, qkv};
use crate::Error;
use crate::graph::{Attention, Graph, Norm, Pairs};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default = "super::parts::yes")]
    attention_bias: bool,
}

pub(super) fn first(config: &crate::Config) -> Result<Graph, Error> {
    graph(config, "glm")
}

pub(super) fn second(config: &crate::Config) -> Result<Graph, Error> {
    graph(config, "glm4")
}

fn graph(config: &crate::Config, architecture: &'static str) -> Result<Graph, Error> {
    let Config { of: Rotated { decoder, rope }, attention_bias: bias } = config.read(architecture)?;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph(architecture)?;
    let (hidden, is_second) = (graph.hidden_size, architecture == "glm4");

    let angles = rope.or(None, Some(0.5)).angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(decoder.rms_norm_eps);
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let (attn, mlp) = (format!("{at}.self_attn"), format!("{at}.mlp"));

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = qkv(&mut graph, h, &attn, "qkv_proj", bias);
        let h = graph.attention(h, layer, Attention { rotation, pairs: Pairs::Neighbours, ..Attention::default() });
        let mut h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], false);
        if is_second {
            h = graph.norm(h, &format!("{at}.post_self_attn_layernorm"), norm);
        }
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = graph.linear(h, &mlp, "gate_up_proj", &[("gate_up_proj", ffn.saturating_mul(2))], false);
        let h = graph.gated(h, act);
        let mut h = graph.linear(h, &mlp, "down_proj", &[("down_proj", hidden)], false);
        if is_second {
            h = graph.norm(h, &format!("{at}.post_mlp_layernorm"), norm);
        }
        x = graph.add(x, h);
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
