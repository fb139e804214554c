//! Qwen 1.5, 2 and 2.5: Llama with biases on the QKV projection, and windows in the upper layers where they are switched on.

use super::Windows;
use super::parts::{Layer, Rotated, logits};
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(flatten)]
    windows: Windows,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("qwen2")?;
    let Rotated { decoder, rope } = read.of;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph("qwen2")?;
    let windows = read.windows.of_layers(graph.layers)?;

    let angles = rope.angles(&graph, &windows, config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(decoder.rms_norm_eps);
    let layers = Layer { norm, qkv: "c_attn", qkv_bias: true, output_bias: false, ffn, act, mlp_bias: false };
    let mut x = graph.embed("model.embed_tokens");
    for (layer, window) in (0..).zip(windows) {
        x = layers.write(&mut graph, x, layer, Attention { rotation, window, ..Attention::default() });
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
