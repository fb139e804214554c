//! Qwen (the first): Llama under GPT-2's names, with biases of heads, and an MLP whose second half is the gate.

use super::parts::{Rotated, whole};
use super::{Decoder, check};
use crate::Error;
use crate::graph::{Attention, Gate, Graph, Norm, Source};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default = "eps")]
    layer_norm_epsilon: f32,
    kv_channels: Option<u32>,
    rotary_emb_base: Option<f64>,
    rotary_pct: Option<f64>,
    seq_length: Option<u32>,
    #[serde(default = "super::parts::yes")]
    no_bias: bool,
    #[serde(default)]
    use_dynamic_ntk: bool,
    #[serde(default)]
    use_logn_attn: bool,
}

fn eps() -> f32 {
    1e-6
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("qwen")?;
    let Rotated { decoder, rope } = read.of;
    check("no_bias", read.no_bias, read.no_bias, || "true".into())?;
    // What it does beyond the length of training changes nothing before it.
    let trained = read.seq_length.or(decoder.max_position_embeddings);
    if let (true, Some(context), Some(trained)) = (read.use_dynamic_ntk || read.use_logn_attn, config.context_window_size, trained) {
        check("context_window_size", context, context <= trained, || format!("at most {trained}, the positions of training"))?;
    }
    // It counts both halves.
    let ffn = decoder.intermediate_size / 2;
    let tied = decoder.tie_word_embeddings.unwrap_or(false);
    let decoder = Decoder {
        intermediate_size: ffn,
        head_dim: read.kv_channels.or(decoder.head_dim),
        max_position_embeddings: trained,
        rms_norm_eps: read.layer_norm_epsilon,
        ..decoder
    };
    let act = decoder.act()?;
    let mut graph = decoder.graph("qwen")?;
    let (hidden, heads) = (graph.hidden_size, graph.heads);

    let angles = rope.or(read.rotary_emb_base, read.rotary_pct).angles(&graph, &[None], None)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(read.layer_norm_epsilon);
    let mut x = graph.embed("transformer.wte");
    for layer in 0..graph.layers {
        let at = format!("transformer.h.{layer}");
        let linear = |graph: &mut Graph, x, name: &str, rows, bias| {
            let name = format!("{at}.{name}");
            graph.linear_from(x, &name, &whole(name.clone(), rows), bias)
        };

        let h = graph.norm(x, &format!("{at}.ln_1"), norm);
        let h = linear(&mut graph, h, "attn.c_attn", heads.width(), true);
        let h = graph.attention(h, layer, Attention { rotation, ..Attention::default() });
        let h = linear(&mut graph, h, "attn.c_proj", hidden, false);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.ln_2"), norm);
        let halves = ["w1", "w2"].map(|part| Source::whole(format!("{at}.mlp.{part}"), ffn.into()));
        let h = graph.linear_from(h, &format!("{at}.mlp.gate_up_proj"), &halves, false);
        let h = graph.gated_by(h, act, Gate::Second);
        let h = linear(&mut graph, h, "mlp.c_proj", hidden, false);
        x = graph.add(x, h);
    }
    let h = graph.norm(x, "transformer.ln_f", norm);
    let logits = graph.head(h, tied.then_some("transformer.wte"));
    graph.argmax(logits);
    Ok(graph)
}
