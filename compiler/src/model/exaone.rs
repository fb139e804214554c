//! EXAONE 3 and 3.5: Llama under GPT-2's names.

use super::Decoder;
use super::parts::{qkv, whole};
use crate::Error;
use crate::graph::{Attention, Graph, Norm, Source};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    vocab_size: u32,
    hidden_size: u32,
    intermediate_size: u32,
    num_layers: Option<u32>,
    num_hidden_layers: Option<u32>,
    num_attention_heads: u32,
    num_key_value_heads: Option<u32>,
    head_dim: Option<u32>,
    max_position_embeddings: Option<u32>,
    activation_function: Option<String>,
    #[serde(default = "super::parts::eps")]
    layer_norm_epsilon: f32,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(flatten)]
    rope: super::Rope,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("exaone")?;
    let layers = read.num_layers.or(read.num_hidden_layers).unwrap_or(0);
    let (ffn, hidden) = (read.intermediate_size, read.hidden_size);
    let decoder = Decoder {
        num_key_value_heads: read.num_key_value_heads,
        head_dim: read.head_dim,
        max_position_embeddings: read.max_position_embeddings,
        rms_norm_eps: read.layer_norm_epsilon,
        hidden_act: read.activation_function,
        ..Decoder::new(read.vocab_size, hidden, ffn, layers, read.num_attention_heads)
    };
    let act = decoder.act()?;
    let mut graph = decoder.graph("exaone")?;

    let angles = read.rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(read.layer_norm_epsilon);
    let mut x = graph.embed("transformer.wte");
    for layer in 0..graph.layers {
        let at = format!("transformer.h.{layer}");
        let (attn, mlp) = (format!("{at}.attn.attention"), format!("{at}.mlp"));

        let h = graph.norm(x, &format!("{at}.ln_1"), norm);
        let h = qkv(&mut graph, h, &attn, "qkv_proj", false);
        let h = graph.attention(h, layer, Attention { rotation, ..Attention::default() });
        let h = graph.linear(h, &attn, "out_proj", &[("out_proj", hidden)], false);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.ln_2"), norm);
        let halves = ["c_fc_0", "c_fc_1"].map(|part| Source::whole(format!("{mlp}.{part}"), ffn.into()));
        let h = graph.linear_from(h, &format!("{mlp}.gate_up_proj"), &halves, false);
        let h = graph.gated(h, act);
        let h = graph.linear_from(h, &format!("{mlp}.c_proj"), &whole(format!("{mlp}.c_proj"), hidden), false);
        x = graph.add(x, h);
    }
    let h = graph.norm(x, "transformer.ln_f", norm);
    let logits = graph.head(h, read.tie_word_embeddings.then_some("transformer.wte"));
    graph.argmax(logits);
    Ok(graph)
}
