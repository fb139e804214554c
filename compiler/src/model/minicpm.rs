//! MiniCPM (1 to 4): Llama with factors on embeddings and branches, and logits that are scaled by the width of the smallest of the family.

use super::parts::{Rotated, factor, gated_mlp, logits, qkv};
use super::{check, positive};
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default = "super::parts::one")]
    scale_emb: f64,
    #[serde(default = "super::parts::one")]
    scale_depth: f64,
    dim_model_base: Option<f64>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    num_experts: u32,
    #[serde(default)]
    sparse_config: Option<serde_json::Value>,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.or(&[("max_position_embeddings", 2048.into())]).read("minicpm")?;
    let Rotated { decoder, rope } = read.of;
    check("num_experts", read.num_experts, read.num_experts == 0, || "0: experts are not supported yet".into())?;
    check("sparse_config", "an object", read.sparse_config.is_none(), || "null: sparse attention is not supported".into())?;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(true));
    let mut graph = decoder.graph("minicpm")?;
    let hidden = graph.hidden_size;
    let branch = factor("scale_depth", read.scale_depth / f64::from(graph.layers).sqrt())?;
    let base = positive("dim_model_base", read.dim_model_base.unwrap_or(hidden.into()))?;

    let angles = rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = graph.rotation(angles);
    let norm = Norm::rms(decoder.rms_norm_eps);
    let x = graph.embed("model.embed_tokens");
    let mut x = graph.scale(x, factor("scale_emb", read.scale_emb)?);
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = qkv(&mut graph, h, &attn, "wqkv_pack", read.attention_bias);
        let h = graph.attention(h, layer, Attention { rotation: Some(rotation), ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], read.attention_bias);
        let h = graph.scale(h, branch);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = gated_mlp(&mut graph, h, &format!("{at}.mlp"), ffn, act, false);
        let h = graph.scale(h, branch);
        x = graph.add(x, h);
    }
    let logits = logits(&mut graph, x, norm, tied);
    // The checkpoint's code divides what the head reads, which comes to the same.
    let logits = graph.scale(logits, (base / f64::from(hidden)) as f32);
    graph.argmax(logits);
    Ok(graph)
}
