//! Cohere's Command R, Aya and Command R7B: attention and MLP beside each other behind one layer norm without bias, rope that rotates
//! neighbours, scaled logits. The second generation has windows in three of four layers, and rotates in these alone.

use super::check;
use super::parts::{Rotated, factor, logits};
use super::window::{by_type, types, window};
use crate::Error;
use crate::graph::{Attention, Graph, Norm, Pairs};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default = "super::parts::eps")]
    layer_norm_eps: f32,
    logit_scale: Option<f64>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    use_qk_norm: bool,
    #[serde(default = "super::window::usual")]
    sliding_window: Option<i64>,
    layer_types: Option<Vec<String>>,
    sliding_window_pattern: Option<u32>,
}

pub(super) fn first(config: &crate::Config) -> Result<Graph, Error> {
    graph(config, "cohere")
}

pub(super) fn second(config: &crate::Config) -> Result<Graph, Error> {
    graph(config, "cohere2")
}

fn graph(config: &crate::Config, architecture: &'static str) -> Result<Graph, Error> {
    let read: Config = config.read(architecture)?;
    let Rotated { mut decoder, rope } = read.of;
    check("use_qk_norm", read.use_qk_norm, !read.use_qk_norm, || "false: layer norms of heads are not supported".into())?;
    decoder.rms_norm_eps = read.layer_norm_eps;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(true));
    let mut graph = decoder.graph(architecture)?;
    let (hidden, bias, is_second) = (graph.hidden_size, read.attention_bias, architecture == "cohere2");
    let every = read.sliding_window_pattern.unwrap_or(4);
    check("sliding_window_pattern", every, every > 0, || "positive".into())?;
    let types = read
        .layer_types
        .filter(|_| is_second)
        .unwrap_or_else(|| types(graph.layers, |layer| !is_second || (layer + 1).is_multiple_of(every)));
    let windows = by_type(&types, graph.layers, window("sliding_window", read.sliding_window)?)?;

    let angles = rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = graph.rotation(angles);
    let norm = Norm { bias: false, ..Norm::layer(read.layer_norm_eps) };
    let mut x = graph.embed("model.embed_tokens");
    for ((layer, window), kind) in (0..).zip(windows).zip(&types) {
        let at = format!("model.layers.{layer}");
        let (attn, mlp) = (format!("{at}.self_attn"), format!("{at}.mlp"));

        let normed = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = super::parts::qkv(&mut graph, normed, &attn, "qkv_proj", bias);
        let rotation = (!is_second || kind == "sliding_attention").then_some(rotation);
        let attended = graph.attention(h, layer, Attention { rotation, pairs: Pairs::Neighbours, window, ..Attention::default() });
        let h = graph.linear_apart(normed, &mlp, "gate_up_proj", &[("gate_proj", ffn), ("up_proj", ffn)], false);
        let h = graph.gated(h, act);
        let attended = graph.linear(attended, &attn, "out_proj", &[("o_proj", hidden)], bias);
        x = graph.add(x, attended);
        let h = graph.linear(h, &mlp, "down_proj", &[("down_proj", hidden)], false);
        x = graph.add(x, h);
    }
    let logits = logits(&mut graph, x, norm, tied);
    let logits = graph.scale(logits, factor("logit_scale", read.logit_scale.unwrap_or(0.0625))?);
    graph.argmax(logits);
    Ok(graph)
}
