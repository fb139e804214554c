//! Orion: Llama with layer norms.

use super::parts::{Layer, Rotated, logits};
use crate::Error;
use crate::graph::{Attention, Graph, Norm};

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let Rotated { decoder, rope } = config.read("orion")?;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph("orion")?;

    let angles = rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::layer(decoder.rms_norm_eps);
    let layers = Layer { norm, qkv: "qkv_proj", qkv_bias: false, output_bias: false, ffn, act, mlp_bias: false };
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        x = layers.write(&mut graph, x, layer, Attention { rotation, ..Attention::default() });
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
