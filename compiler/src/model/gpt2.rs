//! GPT-2: layer norms with a bias, learned positions, no rotation, and linear layers whose weights a checkpoint has transposed.

use super::{Decoder, check};
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    vocab_size: u32,
    n_embd: u32,
    n_layer: u32,
    n_head: u32,
    n_positions: Option<u32>,
    /// The older name, which some configs have beside the newer.
    n_ctx: Option<u32>,
    n_inner: Option<u32>,
    #[serde(default = "default_act")]
    activation_function: String,
    #[serde(default = "super::parts::eps")]
    layer_norm_epsilon: f32,
    #[serde(default = "super::parts::yes")]
    scale_attn_weights: bool,
    #[serde(default)]
    scale_attn_by_inverse_layer_idx: bool,
    #[serde(default)]
    add_cross_attention: bool,
    #[serde(default = "super::parts::yes")]
    tie_word_embeddings: bool,
}

fn default_act() -> String {
    "gelu_new".into()
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let config: Config = config.read("gpt2")?;
    check("add_cross_attention", config.add_cross_attention, !config.add_cross_attention, || "false: there is no encoder".into())?;
    let positions = config.n_positions.or(config.n_ctx);
    check("n_positions", "missing", positions.is_some(), || "a number of positions".into())?;
    let positions = positions.unwrap_or_default();
    let inner = match config.n_inner {
        Some(inner) => inner,
        None => config.n_embd.saturating_mul(4),
    };
    let decoder = Decoder {
        vocab_size: config.vocab_size,
        hidden_size: config.n_embd,
        intermediate_size: inner,
        num_hidden_layers: config.n_layer,
        num_attention_heads: config.n_head,
        num_key_value_heads: None,
        head_dim: None,
        max_position_embeddings: Some(positions),
        rms_norm_eps: config.layer_norm_epsilon,
        hidden_act: Some(config.activation_function),
        hidden_activation: None,
        tie_word_embeddings: None,
    };
    let act = decoder.act()?;
    let mut graph = decoder.graph("gpt2")?;
    let (hidden, width, dim) = (graph.hidden_size, graph.heads.width(), graph.heads.dim);

    let norm = Norm::layer(config.layer_norm_epsilon);
    let x = graph.embed("transformer.wte");
    let mut x = graph.positions(x, "transformer.wpe", positions);
    for layer in 0..graph.layers {
        let at = format!("transformer.h.{layer}");
        let mut scale = if config.scale_attn_weights { f64::from(dim).sqrt().recip() } else { 1.0 };
        if config.scale_attn_by_inverse_layer_idx {
            scale /= f64::from(layer + 1);
        }

        let h = graph.norm(x, &format!("{at}.ln_1"), norm);
        let h = graph.conv1d(h, &format!("{at}.attn.c_attn"), width);
        let h = graph.attention(h, layer, Attention { scale: Some(scale as f32), ..Attention::default() });
        let h = graph.conv1d(h, &format!("{at}.attn.c_proj"), hidden);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.ln_2"), norm);
        let h = graph.conv1d(h, &format!("{at}.mlp.c_fc"), inner);
        let h = graph.act(h, act);
        let h = graph.conv1d(h, &format!("{at}.mlp.c_proj"), hidden);
        x = graph.add(x, h);
    }
    let h = graph.norm(x, "transformer.ln_f", norm);
    let logits = graph.head(h, config.tie_word_embeddings.then_some("transformer.wte"));
    graph.argmax(logits);
    Ok(graph)
}
