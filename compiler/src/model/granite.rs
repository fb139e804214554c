//! Granite: Llama with factors on embeddings, scores, both branches of a layer, and logits. Granite 4 has the same dense layers under other
//! names; its layers with a recurrent state are refused.

use super::check;
use super::parts::{Rotated, factor, gated_mlp, logits, qkv};
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default = "super::parts::one")]
    embedding_multiplier: f64,
    #[serde(default = "super::parts::one")]
    attention_multiplier: f64,
    #[serde(default = "super::parts::one")]
    residual_multiplier: f64,
    #[serde(default = "super::parts::one")]
    logits_scaling: f64,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    // What Granite 4 adds.
    layer_types: Option<Vec<String>>,
    #[serde(default)]
    num_local_experts: u32,
    shared_intermediate_size: Option<u32>,
    position_embedding_type: Option<String>,
}

pub(super) fn dense(config: &crate::Config) -> Result<Graph, Error> {
    graph(config, "granite")
}

pub(super) fn hybrid(config: &crate::Config) -> Result<Graph, Error> {
    graph(config, "granitemoehybrid")
}

fn graph(config: &crate::Config, architecture: &'static str) -> Result<Graph, Error> {
    let read: Config = config.read(architecture)?;
    let Rotated { mut decoder, rope } = read.of;
    let is_hybrid = architecture == "granitemoehybrid";
    if is_hybrid {
        let other = read.layer_types.iter().flatten().find(|kind| !["attention", "full_attention"].contains(&kind.as_str()));
        check("layer_types", other.map_or("", String::as_str), other.is_none(), || {
            "`attention` alone: states are not supported yet".into()
        })?;
        check("num_local_experts", read.num_local_experts, read.num_local_experts == 0, || "0: experts are not supported yet".into())?;
        decoder.intermediate_size = read.shared_intermediate_size.unwrap_or(decoder.intermediate_size);
    }
    let (ffn, act) = (decoder.intermediate_size, decoder.act()?);
    let tied = decoder.tie_word_embeddings.unwrap_or(is_hybrid);
    let mut graph = decoder.graph(architecture)?;
    let hidden = graph.hidden_size;
    let branch = factor("residual_multiplier", read.residual_multiplier)?;
    let scale = Some(factor("attention_multiplier", read.attention_multiplier)?);
    let logits_factor = factor("logits_scaling", 1.0 / read.logits_scaling)?;
    // Granite 4 rotates nothing unless it says so; Granite 3 always does.
    let turned = !is_hybrid || read.position_embedding_type.as_deref() == Some("rope");

    let mut rotation = None;
    if turned {
        let angles = rope.angles(&graph, &[None], config.context_window_size)?;
        rotation = Some(graph.rotation(angles));
    }
    let norm = Norm::rms(decoder.rms_norm_eps);
    let x = graph.embed("model.embed_tokens");
    let mut x = graph.scale(x, factor("embedding_multiplier", read.embedding_multiplier)?);
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = qkv(&mut graph, h, &attn, "qkv_proj", read.attention_bias);
        let h = graph.attention(h, layer, Attention { rotation, scale, ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], read.attention_bias);
        let h = graph.scale(h, branch);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = if is_hybrid {
            let mlp = format!("{at}.shared_mlp");
            let h = graph.linear(h, &mlp, "input_linear", &[("input_linear", ffn.saturating_mul(2))], false);
            let h = graph.gated(h, act);
            graph.linear(h, &mlp, "output_linear", &[("output_linear", hidden)], false)
        } else {
            gated_mlp(&mut graph, h, &format!("{at}.mlp"), ffn, act, read.mlp_bias)
        };
        let h = graph.scale(h, branch);
        x = graph.add(x, h);
    }
    let logits = logits(&mut graph, x, norm, tied);
    let logits = graph.scale(logits, logits_factor);
    graph.argmax(logits);
    Ok(graph)
}
