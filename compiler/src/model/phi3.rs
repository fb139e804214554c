//! Phi-3, 3.5, 4 and 4-mini: Llama with fused projections, heads that are rotated in part, and positions that longrope stretches.

use super::parts::{Rotated, whole};
use super::window::window;
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    sliding_window: Option<i64>,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let Config { of: Rotated { decoder, rope }, sliding_window } = config.read("phi3")?;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph("phi3")?;
    let (hidden, heads) = (graph.hidden_size, graph.heads);
    let window = window("sliding_window", sliding_window)?;

    let angles = rope.angles(&graph, &[window], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(decoder.rms_norm_eps);
    let mut x = graph.embed_from("transformer.embd", "model.embed_tokens");
    for layer in 0..graph.layers {
        let (package, source) = (format!("transformer.h.{layer}"), format!("model.layers.{layer}"));
        let linear = |graph: &mut Graph, x, name: &str, from: &str, rows| {
            graph.linear_from(x, &format!("{package}.{name}"), &whole(format!("{source}.{from}"), rows), false)
        };

        let h = graph.norm_from(x, &format!("{package}.ln"), &format!("{source}.input_layernorm"), norm);
        let h = linear(&mut graph, h, "mixer.qkv_proj", "self_attn.qkv_proj", heads.width());
        let h = graph.attention(h, layer, Attention { rotation, window, ..Attention::default() });
        let h = linear(&mut graph, h, "mixer.out_proj", "self_attn.o_proj", hidden);
        x = graph.add(x, h);

        let name = "post_attention_layernorm";
        let h = graph.norm_from(x, &format!("{package}.{name}"), &format!("{source}.{name}"), norm);
        let h = linear(&mut graph, h, "mlp.gate_up_proj", "mlp.gate_up_proj", ffn.saturating_mul(2));
        let h = graph.gated(h, act);
        let h = linear(&mut graph, h, "mlp.down_proj", "mlp.down_proj", hidden);
        x = graph.add(x, h);
    }
    let h = graph.norm_from(x, "transformer.norm", "model.norm", norm);
    let logits = graph.head(h, tied.then_some("transformer.embd"));
    graph.argmax(logits);
    Ok(graph)
}
