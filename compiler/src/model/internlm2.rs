//! InternLM 2 and 2.5: Llama under other names, whose checkpoints have the heads of each key head together.

use super::parts::{Rotated, grouped, whole};
use crate::Error;
use crate::graph::{Attention, Graph, Norm, Source};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default)]
    bias: bool,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let Config { of: Rotated { decoder, rope }, bias } = config.read("internlm2")?;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph("internlm2")?;
    let hidden = graph.hidden_size;

    let angles = rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(decoder.rms_norm_eps);
    let mut x = graph.embed("model.tok_embeddings");
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let mlp = format!("{at}.feed_forward");

        let h = graph.norm(x, &format!("{at}.attention_norm"), norm);
        let packed = format!("{at}.attention.wqkv");
        let sources = grouped(&graph, &packed);
        let h = graph.linear_from(h, &packed, &sources, bias);
        let h = graph.attention(h, layer, Attention { rotation, ..Attention::default() });
        let name = format!("{at}.attention.wo");
        let h = graph.linear_from(h, &name, &whole(name.clone(), hidden), bias);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.ffn_norm"), norm);
        let halves = ["w1", "w3"].map(|part| Source::whole(format!("{mlp}.{part}"), ffn.into()));
        let h = graph.linear_from(h, &format!("{mlp}.gate_up_proj"), &halves, false);
        let h = graph.gated(h, act);
        let h = graph.linear(h, &mlp, "w2", &[("w2", hidden)], false);
        x = graph.add(x, h);
    }
    let h = graph.norm(x, "model.norm", norm);
    let logits = if tied { graph.head(h, Some("model.tok_embeddings")) } else { graph.head_from(h, "output", "output", false) };
    graph.argmax(logits);
    Ok(graph)
}
