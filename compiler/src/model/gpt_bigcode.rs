//! GPT-BigCode (StarCoder, SantaCoder): GPT-2 with one key head for all queries, and weights that are not transposed.

use super::parts::{grouped, whole};
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
    n_positions: u32,
    n_inner: Option<u32>,
    #[serde(default = "default_act")]
    activation_function: String,
    #[serde(default = "super::parts::eps")]
    layer_norm_epsilon: f32,
    #[serde(default = "super::parts::yes")]
    multi_query: bool,
    #[serde(default = "super::parts::yes")]
    scale_attn_weights: bool,
    #[serde(default)]
    add_cross_attention: bool,
    #[serde(default = "super::parts::yes")]
    tie_word_embeddings: bool,
}

fn default_act() -> String {
    "gelu_pytorch_tanh".into()
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("gpt_bigcode")?;
    check("add_cross_attention", read.add_cross_attention, !read.add_cross_attention, || "false: there is no encoder".into())?;
    let inner = read.n_inner.unwrap_or(read.n_embd.saturating_mul(4));
    let decoder = Decoder {
        num_key_value_heads: read.multi_query.then_some(1),
        max_position_embeddings: Some(read.n_positions),
        rms_norm_eps: read.layer_norm_epsilon,
        hidden_act: Some(read.activation_function),
        ..Decoder::new(read.vocab_size, read.n_embd, inner, read.n_layer, read.n_head)
    };
    let act = decoder.act()?;
    let mut graph = decoder.graph("gpt_bigcode")?;
    let (hidden, heads) = (graph.hidden_size, graph.heads);
    let scale = (!read.scale_attn_weights).then_some(1.0);

    let norm = Norm::layer(read.layer_norm_epsilon);
    let x = graph.embed("transformer.wte");
    let mut x = graph.positions(x, "transformer.wpe", read.n_positions);
    for layer in 0..graph.layers {
        let at = format!("transformer.h.{layer}");
        let linear = |graph: &mut Graph, x, name: &str, rows| {
            let name = format!("{at}.{name}");
            graph.linear_from(x, &name, &whole(name.clone(), rows), true)
        };

        let h = graph.norm(x, &format!("{at}.ln_1"), norm);
        let packed = format!("{at}.attn.c_attn");
        let sources = if read.multi_query { whole(packed.clone(), heads.width()).into() } else { grouped(&graph, &packed) };
        let h = graph.linear_from(h, &packed, &sources, true);
        let h = graph.attention(h, layer, Attention { scale, ..Attention::default() });
        let h = linear(&mut graph, h, "attn.c_proj", hidden);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.ln_2"), norm);
        let h = linear(&mut graph, h, "mlp.c_fc", inner);
        let h = graph.act(h, act);
        let h = linear(&mut graph, h, "mlp.c_proj", hidden);
        x = graph.add(x, h);
    }
    let h = graph.norm(x, "transformer.ln_f", norm);
    let logits = graph.head(h, read.tie_word_embeddings.then_some("transformer.wte"));
    graph.argmax(logits);
    Ok(graph)
}
