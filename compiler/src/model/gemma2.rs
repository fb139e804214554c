//! Gemma 2: norms of one plus the gain, also behind attention and MLP; soft caps on scores and logits; windows in every other layer.

use super::parts::{gated_mlp, logits, qkv};
use super::window::{by_type, types, window};
use super::{Decoder, Rope, check};
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
    use_bidirectional_attention: Option<bool>,
    #[serde(default = "pre_attn_scalar")]
    query_pre_attn_scalar: f64,
    #[serde(default = "attention_cap")]
    attn_logit_softcapping: Option<f32>,
    #[serde(default = "logit_cap")]
    final_logit_softcapping: Option<f32>,
    #[serde(default = "super::window::usual")]
    sliding_window: Option<i64>,
    layer_types: Option<Vec<String>>,
}

fn pre_attn_scalar() -> f64 {
    256.0
}

fn attention_cap() -> Option<f32> {
    Some(50.0)
}

fn logit_cap() -> Option<f32> {
    Some(30.0)
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let mut read: Config = config.read("gemma2")?;
    read.decoder.head_dim.get_or_insert(256);
    read.decoder.hidden_act = read.decoder.hidden_activation.take().or(Some("gelu_pytorch_tanh".into()));
    let ffn = read.decoder.intermediate_size;
    let tied = read.decoder.tie_word_embeddings.unwrap_or(true);
    let act = read.decoder.act()?;
    let mut graph = read.decoder.graph("gemma2")?;
    check("use_bidirectional_attention", "true", read.use_bidirectional_attention != Some(true), || "false".into())?;
    let scalar = read.query_pre_attn_scalar;
    check("query_pre_attn_scalar", scalar, scalar.is_finite() && scalar > 0.0, || "positive".into())?;
    let caps = [("attn_logit_softcapping", read.attn_logit_softcapping), ("final_logit_softcapping", read.final_logit_softcapping)];
    for (setting, cap) in caps {
        let cap = cap.unwrap_or(1.0);
        check(setting, cap, cap.is_finite() && cap > 0.0, || "positive, or null".into())?;
    }
    let window = window("sliding_window", read.sliding_window)?;
    let types = read.layer_types.unwrap_or_else(|| types(graph.layers, |layer| !layer.is_multiple_of(2)));
    let windows = by_type(&types, graph.layers, window)?;
    let hidden = graph.hidden_size;

    let angles = read.rope.angles(&graph, &windows, config.context_window_size)?;
    let rotation = graph.rotation(angles);
    let norm = Norm { one_plus: true, ..Norm::rms(read.decoder.rms_norm_eps) };
    let x = graph.embed("model.embed_tokens");
    let mut x = graph.scale(x, f64::from(hidden).sqrt() as f32);
    for (layer, window) in (0..).zip(windows) {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = qkv(&mut graph, h, &attn, "qkv_proj", read.attention_bias);
        let scale = Some(scalar.sqrt().recip() as f32);
        let h = graph.attention(
            h,
            layer,
            Attention { rotation: Some(rotation), scale, softcap: read.attn_logit_softcapping, window, ..Attention::default() },
        );
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], read.attention_bias);
        let h = graph.norm(h, &format!("{at}.post_attention_layernorm"), norm);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.pre_feedforward_layernorm"), norm);
        let h = gated_mlp(&mut graph, h, &format!("{at}.mlp"), ffn, act, false);
        let h = graph.norm(h, &format!("{at}.post_feedforward_layernorm"), norm);
        x = graph.add(x, h);
    }
    let mut logits = logits(&mut graph, x, norm, tied);
    if let Some(cap) = read.final_logit_softcapping {
        logits = graph.softcap(logits, cap);
    }
    graph.argmax(logits);
    Ok(graph)
}
