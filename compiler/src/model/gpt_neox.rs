//! GPT-NeoX (Pythia, RedPajama, Dolly): layer norms, attention and MLP beside each other with a norm each, heads that are rotated in part.

use super::parts::{Rotated, grouped, whole};
use crate::Error;
use crate::graph::{Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default = "super::parts::eps")]
    layer_norm_eps: f32,
    #[serde(default = "super::parts::yes")]
    use_parallel_residual: bool,
    #[serde(default = "super::parts::yes")]
    attention_bias: bool,
    rotary_pct: Option<f64>,
    rotary_emb_base: Option<f64>,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("gpt_neox")?;
    let Rotated { mut decoder, rope } = read.of;
    decoder.rms_norm_eps = read.layer_norm_eps;
    decoder.hidden_act.get_or_insert("gelu".into());
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph("gpt_neox")?;
    let hidden = graph.hidden_size;

    let rope = rope.or(read.rotary_emb_base, Some(read.rotary_pct.unwrap_or(0.25)));
    let angles = rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::layer(decoder.rms_norm_eps);
    let mut x = graph.embed("gpt_neox.embed_in");
    for layer in 0..graph.layers {
        let at = format!("gpt_neox.layers.{layer}");
        let linear = |graph: &mut Graph, x, name: &str, rows, bias| {
            let name = format!("{at}.{name}");
            graph.linear_from(x, &name, &whole(name.clone(), rows), bias)
        };

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let packed = format!("{at}.attention.query_key_value");
        let sources = grouped(&graph, &packed);
        let h = graph.linear_from(h, &packed, &sources, read.attention_bias);
        let attended = graph.attention(h, layer, Attention { rotation, ..Attention::default() });
        // Beside attention, the MLP reads the stream as it was before.
        let before = x;
        if !read.use_parallel_residual {
            let h = linear(&mut graph, attended, "attention.dense", hidden, read.attention_bias);
            x = graph.add(x, h);
        }
        let from = if read.use_parallel_residual { before } else { x };
        let h = graph.norm(from, &format!("{at}.post_attention_layernorm"), norm);
        let h = linear(&mut graph, h, "mlp.dense_h_to_4h", ffn, true);
        let h = graph.act(h, act);
        if read.use_parallel_residual {
            let attended = linear(&mut graph, attended, "attention.dense", hidden, read.attention_bias);
            x = graph.add(x, attended);
        }
        let h = linear(&mut graph, h, "mlp.dense_4h_to_h", hidden, true);
        x = graph.add(x, h);
    }
    let h = graph.norm(x, "gpt_neox.final_layer_norm", norm);
    let logits = if tied { graph.head(h, Some("gpt_neox.embed_in")) } else { graph.head_from(h, "embed_out", "embed_out", false) };
    graph.argmax(logits);
    Ok(graph)
}
