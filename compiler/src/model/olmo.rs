//! OLMo 2 and 3: norms behind attention and MLP and none before, norms of all query heads together and of all key heads. OLMo 3 has windows
//! in three of four layers, and stretches positions in the others alone.

use super::parts::{Rotated, gated_mlp, logits, qkv};
use super::window::{by_type, types, window};
use crate::Error;
use crate::graph::{Attention, Graph, HeadSpan, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default = "super::window::usual")]
    sliding_window: Option<i64>,
    layer_types: Option<Vec<String>>,
}

pub(super) fn second(config: &crate::Config) -> Result<Graph, Error> {
    graph(config, "olmo2")
}

pub(super) fn third(config: &crate::Config) -> Result<Graph, Error> {
    graph(config, "olmo3")
}

fn graph(config: &crate::Config, architecture: &'static str) -> Result<Graph, Error> {
    let read: Config = config.read(architecture)?;
    let Rotated { decoder, rope } = read.of;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph(architecture)?;
    let (hidden, bias) = (graph.hidden_size, read.attention_bias);
    let is_third = architecture == "olmo3";
    let types =
        read.layer_types.filter(|_| is_third).unwrap_or_else(|| types(graph.layers, |layer| !is_third || (layer + 1).is_multiple_of(4)));
    let windows = by_type(&types, graph.layers, window("sliding_window", read.sliding_window)?)?;

    // Where one object of settings stretches positions, it means layers without a window.
    let local = if rope.is_nested() { rope.clone() } else { rope.unscaled()? };
    let mut rotation = |rope: &super::Rope, kind: &str| {
        if !types.iter().any(|other| other == kind) {
            return Ok(None);
        }
        let angles = rope.angles_of(kind, &graph, config.context_window_size)?;
        Ok::<_, Error>(Some(graph.rotation(angles)))
    };
    let (full, sliding) = (rotation(&rope, "full_attention")?, rotation(&local, "sliding_attention")?);
    let norm = Norm::rms(decoder.rms_norm_eps);
    let mut x = graph.embed("model.embed_tokens");
    for ((layer, window), kind) in (0..).zip(windows).zip(&types) {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");
        let rotation = if kind == "full_attention" { full } else { sliding };

        let h = qkv(&mut graph, x, &attn, "qkv_proj", bias);
        let h = graph.head_norm(h, &attn, ["q_norm", "k_norm"], HeadSpan::All, norm);
        let h = graph.attention(h, layer, Attention { rotation, window, ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], bias);
        let h = graph.norm(h, &format!("{at}.post_attention_layernorm"), norm);
        x = graph.add(x, h);

        let h = gated_mlp(&mut graph, x, &format!("{at}.mlp"), ffn, act, false);
        let h = graph.norm(h, &format!("{at}.post_feedforward_layernorm"), norm);
        x = graph.add(x, h);
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
