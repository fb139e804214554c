//! ChatGLM 2 and 3, and GLM-4 in its first form: Llama whose rope rotates neighbours in half of each head, with settings and names of its
//! own.

use super::parts::whole;
use super::{Decoder, Rope, check};
use crate::Error;
use crate::graph::{Attention, Graph, Norm, Pairs};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    padded_vocab_size: Option<u32>,
    vocab_size: Option<u32>,
    hidden_size: u32,
    ffn_hidden_size: u32,
    num_layers: u32,
    num_attention_heads: u32,
    kv_channels: Option<u32>,
    #[serde(default)]
    multi_query_attention: bool,
    multi_query_group_num: Option<u32>,
    seq_length: Option<u32>,
    #[serde(default = "super::parts::eps")]
    layernorm_epsilon: f32,
    #[serde(default = "super::parts::yes")]
    rmsnorm: bool,
    #[serde(default = "super::parts::yes")]
    post_layer_norm: bool,
    #[serde(default)]
    apply_residual_connection_post_layernorm: bool,
    #[serde(default)]
    add_bias_linear: bool,
    #[serde(default)]
    add_qkv_bias: bool,
    #[serde(default = "super::parts::yes")]
    original_rope: bool,
    rope_ratio: Option<f64>,
    #[serde(rename = "_name_or_path")]
    name: Option<String>,
    #[serde(default)]
    tie_word_embeddings: bool,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("chatglm")?;
    check("rmsnorm", read.rmsnorm, read.rmsnorm, || "true".into())?;
    check("post_layer_norm", read.post_layer_norm, read.post_layer_norm, || "true".into())?;
    let normed = read.apply_residual_connection_post_layernorm;
    check("apply_residual_connection_post_layernorm", normed, !normed, || "false".into())?;
    check("original_rope", read.original_rope, read.original_rope, || "true".into())?;
    let vocab = read.padded_vocab_size.or(read.vocab_size);
    check("padded_vocab_size", "missing", vocab.is_some(), || "a number of tokens".into())?;
    let ratio = read.rope_ratio.unwrap_or(1.0);
    // Where later models have a greater base, ChatGLM2-6B-32K divides positions. Nothing but its name tells.
    let divides = ratio != 1.0 && read.name.as_ref().is_some_and(|name| name.to_lowercase().contains("chatglm2"));
    check("rope_ratio", ratio, !divides, || "1 in a ChatGLM2: its longer variant divides positions, which is not supported".into())?;
    let kv = if read.multi_query_attention { read.multi_query_group_num.unwrap_or(1) } else { read.num_attention_heads };
    let (ffn, hidden) = (read.ffn_hidden_size, read.hidden_size);
    let decoder = Decoder {
        num_key_value_heads: Some(kv),
        head_dim: read.kv_channels,
        max_position_embeddings: read.seq_length,
        rms_norm_eps: read.layernorm_epsilon,
        ..Decoder::new(vocab.unwrap_or(0), hidden, ffn, read.num_layers, read.num_attention_heads)
    };
    let act = decoder.act()?;
    let mut graph = decoder.graph("chatglm")?;
    let heads = graph.heads;

    let rope = Rope::plain(10_000.0 * ratio).or(None, Some(0.5));
    let angles = rope.angles(&graph, &[None], None)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(read.layernorm_epsilon);
    let mut x = graph.embed_from("transformer.embedding", "transformer.embedding.word_embeddings");
    for layer in 0..graph.layers {
        let at = format!("transformer.encoder.layers.{layer}");
        let linear = |graph: &mut Graph, x, name: &str, rows, bias| {
            let name = format!("{at}.{name}");
            graph.linear_from(x, &name, &whole(name.clone(), rows), bias)
        };

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let bias = read.add_bias_linear;
        let h = linear(&mut graph, h, "self_attention.query_key_value", heads.width(), bias || read.add_qkv_bias);
        let h = graph.attention(h, layer, Attention { rotation, pairs: Pairs::Neighbours, ..Attention::default() });
        let h = linear(&mut graph, h, "self_attention.dense", hidden, bias);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = linear(&mut graph, h, "mlp.dense_h_to_4h", ffn.saturating_mul(2), bias);
        let h = graph.gated(h, act);
        let h = linear(&mut graph, h, "mlp.dense_4h_to_h", hidden, bias);
        x = graph.add(x, h);
    }
    let h = graph.norm(x, "transformer.encoder.final_layernorm", norm);
    let logits = if read.tie_word_embeddings {
        graph.head(h, Some("transformer.embedding"))
    } else {
        graph.head_from(h, "transformer.output_layer", "transformer.output_layer", false)
    };
    graph.argmax(logits);
    Ok(graph)
}
