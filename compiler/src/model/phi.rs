//! Phi 1.5 and 2: attention and MLP beside each other behind one layer norm, heads that are rotated in part, biases everywhere.

use super::parts::{Rotated, whole};
use super::{Decoder, Rope, check};
use crate::Error;
use crate::graph::{Attention, Graph, Norm, Source};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default = "super::parts::eps")]
    layer_norm_eps: f32,
    #[serde(default)]
    qk_layernorm: bool,
}

/// The settings of the first checkpoints, which MLC still writes: model type `phi-msft`.
#[derive(Deserialize)]
struct First {
    vocab_size: u32,
    n_embd: u32,
    n_layer: u32,
    n_head: u32,
    n_head_kv: Option<u32>,
    n_inner: Option<u32>,
    n_positions: Option<u32>,
    rotary_dim: u32,
    #[serde(default = "super::parts::eps")]
    layer_norm_epsilon: f32,
    #[serde(flatten)]
    rope: Rope,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("phi")?;
    check("qk_layernorm", read.qk_layernorm, !read.qk_layernorm, || "false: norms of heads are not supported here".into())?;
    let mut decoder = read.of.decoder;
    decoder.rms_norm_eps = read.layer_norm_eps;
    decoder.hidden_act.get_or_insert("gelu_new".into());
    build(config, &decoder, read.of.rope.or(None, Some(0.5)), "model.embed_tokens")
}

pub(super) fn first(config: &crate::Config) -> Result<Graph, Error> {
    let read: First = config.read("phi-msft")?;
    let inner = read.n_inner.filter(|&inner| inner > 0).unwrap_or(read.n_embd.saturating_mul(4));
    let decoder = Decoder {
        num_key_value_heads: read.n_head_kv.filter(|&heads| heads > 0),
        max_position_embeddings: read.n_positions,
        rms_norm_eps: read.layer_norm_epsilon,
        hidden_act: Some("gelu_new".into()),
        ..Decoder::new(read.vocab_size, read.n_embd, inner, read.n_layer, read.n_head)
    };
    let dim = f64::from(read.n_embd) / f64::from(read.n_head.max(1));
    build(config, &decoder, read.rope.or(None, Some(f64::from(read.rotary_dim) / dim)), "transformer.embd.wte")
}

fn build(config: &crate::Config, decoder: &Decoder, rope: Rope, table: &str) -> Result<Graph, Error> {
    let (ffn, act) = (decoder.intermediate_size, decoder.act()?);
    let mut graph = decoder.graph("phi")?;
    let (hidden, heads) = (graph.hidden_size, graph.heads);

    let angles = rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::layer(decoder.rms_norm_eps);
    // The first checkpoints have the names of packages.
    let is_first = table.starts_with("transformer");
    let source = |package: &str, newer: String| if is_first { package.to_owned() } else { newer };
    let mut x = graph.embed_from("transformer.embd", table);
    for layer in 0..graph.layers {
        let (package, newer) = (format!("transformer.h.{layer}"), format!("model.layers.{layer}"));
        let linear = |graph: &mut Graph, x, name: &str, from: &str, rows| {
            let name = format!("{package}.{name}");
            graph.linear_from(x, &name, &whole(source(&name, format!("{newer}.{from}")), rows), true)
        };

        let ln = format!("{package}.ln");
        let normed = graph.norm_from(x, &ln, &source(&ln, format!("{newer}.input_layernorm")), norm);
        let packed = format!("{package}.mixer.Wqkv");
        let parts = [("q_proj", heads.query_width()), ("k_proj", heads.kv_width()), ("v_proj", heads.kv_width())];
        let parts = parts.map(|(part, rows)| Source::whole(format!("{newer}.self_attn.{part}"), rows.into()));
        let sources = if is_first { whole(packed.clone(), heads.width()).into() } else { parts.to_vec() };
        let h = graph.linear_from(normed, &packed, &sources, true);
        let attended = graph.attention(h, layer, Attention { rotation, ..Attention::default() });
        let h = linear(&mut graph, normed, "mlp.fc1", "mlp.fc1", ffn);
        let h = graph.act(h, act);
        let attended = linear(&mut graph, attended, "mixer.out_proj", "self_attn.dense", hidden);
        x = graph.add(x, attended);
        let h = linear(&mut graph, h, "mlp.fc2", "mlp.fc2", hidden);
        x = graph.add(x, h);
    }
    let last = "lm_head.ln";
    let h = graph.norm_from(x, last, &source(last, "model.final_layernorm".into()), norm);
    let head = "lm_head.linear";
    let logits = graph.head_from(h, head, &source(head, "lm_head".into()), true);
    graph.argmax(logits);
    Ok(graph)
}
