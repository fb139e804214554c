//! StableLM: Llama with layer norms, and heads that are rotated in part.

use super::check;
use super::parts::{Rotated, gated_mlp, logits, qkv};
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    layer_norm_eps: Option<f32>,
    /// Older spellings.
    norm_eps: Option<f32>,
    rope_pct: Option<f64>,
    #[serde(default)]
    use_qkv_bias: bool,
    #[serde(default)]
    qk_layernorm: bool,
    #[serde(default)]
    use_parallel_residual: bool,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("stablelm")?;
    let Rotated { mut decoder, rope } = read.of;
    check("qk_layernorm", read.qk_layernorm, !read.qk_layernorm, || "false: layer norms of heads are not supported".into())?;
    decoder.rms_norm_eps = read.layer_norm_eps.or(read.norm_eps).unwrap_or(1e-5);
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph("stablelm")?;
    let hidden = graph.hidden_size;

    let rope = rope.or(None, Some(read.rope_pct.unwrap_or(0.25)));
    let angles = rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::layer(decoder.rms_norm_eps);
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let (attn, mlp) = (format!("{at}.self_attn"), format!("{at}.mlp"));

        let normed = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = qkv(&mut graph, normed, &attn, "qkv_proj", read.use_qkv_bias);
        let attended = graph.attention(h, layer, Attention { rotation, ..Attention::default() });
        if read.use_parallel_residual {
            // Both read the stream as it was, so the MLP's first half comes before anything is added.
            let h = graph.linear(normed, &mlp, "gate_up_proj", &[("gate_proj", ffn), ("up_proj", ffn)], false);
            let h = graph.gated(h, act);
            let attended = graph.linear(attended, &attn, "o_proj", &[("o_proj", hidden)], false);
            x = graph.add(x, attended);
            let h = graph.linear(h, &mlp, "down_proj", &[("down_proj", hidden)], false);
            x = graph.add(x, h);
            continue;
        }
        let h = graph.linear(attended, &attn, "o_proj", &[("o_proj", hidden)], false);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = gated_mlp(&mut graph, h, &mlp, ffn, act, false);
        x = graph.add(x, h);
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
