//! Llama: 1 to 3.2, and the many models that share its architecture (TinyLlama, SmolLM2, Code Llama …).

use super::parts::{Layer, Rotated, logits};
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.or(&[("max_position_embeddings", 2048.into())]).read("llama")?;
    let Rotated { decoder, rope } = read.of;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph("llama")?;

    let angles = rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(decoder.rms_norm_eps);
    let bias = read.attention_bias;
    let layers = Layer { norm, qkv: "qkv_proj", qkv_bias: bias, output_bias: bias, ffn, act, mlp_bias: read.mlp_bias };
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        x = layers.write(&mut graph, x, layer, Attention { rotation, ..Attention::default() });
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
