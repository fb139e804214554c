//! StarCoder 2: layer norms, an MLP without a gate, biases everywhere, and a window.

use super::parts::{Rotated, logits, qkv};
use super::window::window;
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default = "super::parts::eps")]
    norm_epsilon: f32,
    #[serde(default = "super::parts::yes")]
    use_bias: bool,
    sliding_window: Option<i64>,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let Config { of: Rotated { mut decoder, rope }, norm_epsilon, use_bias: bias, sliding_window } = config.read("starcoder2")?;
    decoder.rms_norm_eps = norm_epsilon;
    decoder.hidden_act.get_or_insert("gelu_pytorch_tanh".into());
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(true));
    let mut graph = decoder.graph("starcoder2")?;
    let hidden = graph.hidden_size;
    let window = window("sliding_window", sliding_window)?;

    let angles = rope.angles(&graph, &[window], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::layer(norm_epsilon);
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let (attn, mlp) = (format!("{at}.self_attn"), format!("{at}.mlp"));

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = qkv(&mut graph, h, &attn, "wqkv_pack", bias);
        let h = graph.attention(h, layer, Attention { rotation, window, ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], bias);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = graph.linear(h, &mlp, "c_fc", &[("c_fc", ffn)], bias);
        let h = graph.act(h, act);
        let h = graph.linear(h, &mlp, "c_proj", &[("c_proj", hidden)], bias);
        x = graph.add(x, h);
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
