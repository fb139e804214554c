//! Ministral 3: Llama whose positions yarn stretches, with queries that grow behind the original ones.

use super::parts::{Layer, Rotated, logits};
use super::window::window;
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    sliding_window: Option<i64>,
    /// MLC's spelling.
    sliding_window_size: Option<i64>,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("ministral3")?;
    let Rotated { decoder, rope } = read.of;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph("ministral3")?;
    let window = window("sliding_window", read.sliding_window.or(read.sliding_window_size))?;

    let growth = rope.growth()?;
    let angles = rope.angles(&graph, &[window], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(decoder.rms_norm_eps);
    let layers = Layer { norm, qkv: "qkv_proj", qkv_bias: false, output_bias: false, ffn, act, mlp_bias: false };
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        x = layers.write(&mut graph, x, layer, Attention { rotation, growth, window, ..Attention::default() });
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
