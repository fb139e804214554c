//! ERNIE 4.5, dense: Llama whose rope rotates neighbours.

use super::parts::{Layer, Rotated, logits};
use crate::Error;
use crate::graph::{Attention, Graph, Norm, Pairs};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default)]
    use_bias: bool,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let Config { of: Rotated { decoder, rope }, use_bias: bias } = config.read("ernie4_5")?;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(true));
    let mut graph = decoder.graph("ernie4_5")?;

    let angles = rope.or(Some(500_000.0), None).angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(decoder.rms_norm_eps);
    let layers = Layer { norm, qkv: "qkv_proj", qkv_bias: bias, output_bias: bias, ffn, act, mlp_bias: bias };
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        x = layers.write(&mut graph, x, layer, Attention { rotation, pairs: Pairs::Neighbours, ..Attention::default() });
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
