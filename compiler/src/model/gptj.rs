//! GPT-J: attention and MLP beside each other behind one layer norm; rope rotates neighbours in a part of each head; the head has a bias.

use super::parts::whole;
use super::{Decoder, Rope};
use crate::Error;
use crate::graph::{Attention, Graph, Norm, Pairs};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    vocab_size: u32,
    n_embd: u32,
    n_layer: u32,
    n_head: u32,
    n_positions: Option<u32>,
    n_inner: Option<i64>,
    rotary_dim: Option<u32>,
    #[serde(default = "default_act")]
    activation_function: String,
    #[serde(default = "super::parts::eps")]
    layer_norm_epsilon: f32,
    #[serde(default)]
    tie_word_embeddings: bool,
}

fn default_act() -> String {
    "gelu_new".into()
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("gptj")?;
    super::check("tie_word_embeddings", read.tie_word_embeddings, !read.tie_word_embeddings, || "false: the head has a bias".into())?;
    // MLC writes -1 where it is left open.
    let inner = read.n_inner.and_then(|inner| u32::try_from(inner).ok()).unwrap_or(read.n_embd.saturating_mul(4));
    let decoder = Decoder {
        max_position_embeddings: read.n_positions,
        rms_norm_eps: read.layer_norm_epsilon,
        hidden_act: Some(read.activation_function),
        ..Decoder::new(read.vocab_size, read.n_embd, inner, read.n_layer, read.n_head)
    };
    let act = decoder.act()?;
    let mut graph = decoder.graph("gptj")?;
    let (hidden, heads) = (graph.hidden_size, graph.heads);

    let part = read.rotary_dim.map_or(1.0, |turned| f64::from(turned) / f64::from(heads.dim));
    let angles = Rope::plain(10_000.0).or(None, Some(part)).angles(&graph, &[None], None)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::layer(read.layer_norm_epsilon);
    let mut x = graph.embed("transformer.wte");
    for layer in 0..graph.layers {
        let at = format!("transformer.h.{layer}");
        let (attn, mlp) = (format!("{at}.attn"), format!("{at}.mlp"));

        let normed = graph.norm(x, &format!("{at}.ln_1"), norm);
        let h = super::parts::qkv(&mut graph, normed, &attn, "c_attn", false);
        let attended = graph.attention(h, layer, Attention { rotation, pairs: Pairs::Neighbours, ..Attention::default() });
        let h = graph.linear_from(normed, &format!("{mlp}.fc_in"), &whole(format!("{mlp}.fc_in"), inner), true);
        let h = graph.act(h, act);
        let attended = graph.linear(attended, &attn, "out_proj", &[("out_proj", hidden)], false);
        x = graph.add(x, attended);
        let h = graph.linear(h, &mlp, "fc_out", &[("fc_out", hidden)], true);
        x = graph.add(x, h);
    }
    let h = graph.norm(x, "transformer.ln_f", norm);
    let logits = graph.head_from(h, "lm_head", "lm_head", true);
    graph.argmax(logits);
    Ok(graph)
}
