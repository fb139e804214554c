//! SmolLM3: Llama with layers that rotate nothing, each fourth by default.

use super::check;
use super::parts::{Layer, Rotated, logits};
use super::window::Windows;
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(flatten)]
    windows: Windows,
    /// Zero for a layer without rotation.
    no_rope_layers: Option<Vec<u32>>,
    #[serde(default = "interval")]
    no_rope_layer_interval: u32,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
}

fn interval() -> u32 {
    4
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("smollm3")?;
    let Rotated { decoder, rope } = read.of;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(true));
    let mut graph = decoder.graph("smollm3")?;
    let windows = read.windows.of_layers(graph.layers)?;
    let every = read.no_rope_layer_interval;
    check("no_rope_layer_interval", every, every > 0, || "positive".into())?;
    let usual = || (0..graph.layers).map(|layer| u32::from(!(layer + 1).is_multiple_of(every))).collect();
    let turned = read.no_rope_layers.unwrap_or_else(usual);
    check("no_rope_layers", format!("a list of {}", turned.len()), turned.len() == graph.layers as usize, || {
        format!("one of {}", graph.layers)
    })?;

    let angles = rope.or(Some(2e6), None).angles(&graph, &windows, config.context_window_size)?;
    let rotation = graph.rotation(angles);
    let norm = Norm::rms(decoder.rms_norm_eps);
    let bias = read.attention_bias;
    let layers = Layer { norm, qkv: "qkv_proj", qkv_bias: bias, output_bias: bias, ffn, act, mlp_bias: read.mlp_bias };
    let mut x = graph.embed("model.embed_tokens");
    for ((layer, window), turned) in (0..).zip(windows).zip(turned) {
        let rotation = (turned != 0).then_some(rotation);
        x = layers.write(&mut graph, x, layer, Attention { rotation, window, ..Attention::default() });
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
