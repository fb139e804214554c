//! Gemma 4, dense: two sizes of heads, layers that see the keys and values of earlier ones, and a second embedding that each layer takes its own
//! part of. The text model of those that see and hear.

use super::parts::{Rotated, gated_mlp, logits};
use super::window::{by_type, window};
use super::{check, positive};
use crate::Error;
use crate::graph::{Act, Attention, Graph, Heads, Norm, Value};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    attention_k_eq_v: bool,
    #[serde(default)]
    enable_moe_block: bool,
    use_bidirectional_attention: Option<serde_json::Value>,
    global_head_dim: Option<u32>,
    num_global_key_value_heads: Option<u32>,
    #[serde(default)]
    num_kv_shared_layers: u32,
    #[serde(default)]
    use_double_wide_mlp: bool,
    #[serde(default)]
    hidden_size_per_layer_input: u32,
    final_logit_softcapping: Option<f32>,
    sliding_window: Option<i64>,
    layer_types: Vec<String>,
}

/// The second embedding: a part for each layer.
#[derive(Clone, Copy)]
struct PerLayer {
    /// Elements of a part.
    width: u32,
    rows: Value,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let read: Config = config.read("gemma4")?;
    let Rotated { mut decoder, rope } = read.of;
    check("enable_moe_block", "true", !read.enable_moe_block, || "false: experts are not supported yet".into())?;
    let one_way = read.use_bidirectional_attention.as_ref().is_none_or(|value| [Some("vision"), None].contains(&value.as_str()));
    check("use_bidirectional_attention", "all", one_way, || "null".into())?;
    decoder.head_dim.get_or_insert(256);
    decoder.hidden_act = decoder.hidden_activation.take();
    let act = if decoder.hidden_act.is_some() { decoder.act()? } else { Act::GeluTanh };
    let (ffn, tied) = (decoder.intermediate_size, decoder.tie_word_embeddings.unwrap_or(true));
    let mut graph = decoder.graph("gemma4")?;
    let global = read.global_head_dim.unwrap_or(graph.heads.dim);
    check("global_head_dim", global, global.is_multiple_of(8) && (8..=super::MAX_HEAD).contains(&global), || {
        format!("a multiple of 8, at most {}", super::MAX_HEAD)
    })?;
    if let Some(cap) = read.final_logit_softcapping {
        positive("final_logit_softcapping", cap.into())?;
    }
    let types = &read.layer_types;
    let windows = by_type(types, graph.layers, window("sliding_window", read.sliding_window)?)?;
    let (hidden, layers, bias, near) = (graph.hidden_size, graph.layers, read.attention_bias, graph.heads);
    let shared = read.num_kv_shared_layers;
    check("num_kv_shared_layers", shared, shared < layers, || format!("less than the {layers} layers"))?;
    let first_shared = layers - shared;
    let kv = if read.attention_k_eq_v { read.num_global_key_value_heads.unwrap_or(near.kv) } else { near.kv };
    check("num_global_key_value_heads", kv, kv > 0 && near.query.is_multiple_of(kv), || format!("a divisor of {}", near.query))?;
    let far = Heads { kv, dim: global, ..near };
    let part = read.hidden_size_per_layer_input;
    check("hidden_size_per_layer_input", part, part.is_multiple_of(4) && part <= 1 << 14, || "a multiple of 4".into())?;

    let mut rotations = [None; 2];
    for (rotation, (kind, heads)) in rotations.iter_mut().zip([("full_attention", far), ("sliding_attention", near)]) {
        if types.iter().any(|other| other == kind) {
            graph.heads = heads;
            let angles = rope.angles_of(kind, &graph, config.context_window_size)?;
            *rotation = Some(graph.rotation(angles));
        }
    }
    let norm = Norm::rms(decoder.rms_norm_eps);
    let x = graph.embed("model.embed_tokens");
    let mut x = graph.scale(x, f64::from(hidden).sqrt() as f32);
    let own = (part > 0).then(|| per_layer(&mut graph, x, part, norm));
    for ((layer, window), kind) in (0..).zip(windows).zip(types) {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");
        let is_full = kind == "full_attention";
        let (rotation, heads) = if is_full { (rotations[0], far) } else { (rotations[1], near) };
        graph.heads = heads;

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let attention = Attention { rotation, scale: Some(1.0), window, ..Attention::default() };
        let h = if layer < first_shared {
            let value = if is_full && read.attention_k_eq_v { "k_proj" } else { "v_proj" };
            let parts = [("q_proj", heads.query_width()), ("k_proj", heads.kv_width()), (value, heads.kv_width())];
            let h = graph.linear(h, &attn, "qkv_proj", &parts, bias);
            let h = graph.head_norm_of_all(h, &attn, ["q_norm", "k_norm"], norm);
            graph.attention(h, layer, attention)
        } else {
            // The last earlier layer of the same type that has keys and values.
            let source = (0..first_shared).rev().find(|&earlier| types[earlier as usize] == *kind);
            check("num_kv_shared_layers", shared, source.is_some(), || {
                format!("such that a layer of `{kind}` comes before layer {layer}")
            })?;
            let h = graph.linear(h, &attn, "q_proj", &[("q_proj", heads.query_width())], bias);
            let h = graph.query_norm(h, &attn, "q_norm", norm);
            graph.attention(h, layer, Attention { shared: source, ..attention })
        };
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], bias);
        let h = graph.norm(h, &format!("{at}.post_attention_layernorm"), norm);
        x = graph.add(x, h);

        let wide = if read.use_double_wide_mlp && layer >= first_shared { ffn.saturating_mul(2) } else { ffn };
        let h = graph.norm(x, &format!("{at}.pre_feedforward_layernorm"), norm);
        let h = gated_mlp(&mut graph, h, &format!("{at}.mlp"), wide, act, false);
        let h = graph.norm(h, &format!("{at}.post_feedforward_layernorm"), norm);
        x = graph.add(x, h);

        if let Some(PerLayer { width, rows }) = own {
            let h = graph.linear(x, &at, "per_layer_input_gate", &[("per_layer_input_gate", width)], false);
            let h = graph.act(h, act);
            let h = graph.multiply(h, rows, layer * width);
            let h = graph.linear(h, &at, "per_layer_projection", &[("per_layer_projection", hidden)], false);
            let h = graph.norm(h, &format!("{at}.post_per_layer_input_norm"), norm);
            x = graph.add(x, h);
        }
        x = graph.scale_by(x, &format!("{at}.layer_scalar"));
    }
    graph.heads = near;
    let mut logits = logits(&mut graph, x, norm, tied);
    if let Some(cap) = read.final_logit_softcapping {
        logits = graph.softcap(logits, cap);
    }
    graph.argmax(logits);
    Ok(graph)
}

/// The mean, but for a root of two, of a second embedding and a projection of the first that is normed part by part.
fn per_layer(graph: &mut Graph, x: Value, width: u32, norm: Norm) -> PerLayer {
    let (wide, hidden) = (graph.layers * width, f64::from(graph.hidden_size));
    let half = 0.5f64.sqrt();
    let rows = graph.embed_wide("model.embed_tokens_per_layer", "model.embed_tokens_per_layer", wide);
    let rows = graph.scale(rows, (f64::from(width).sqrt() * half) as f32);
    let name = "per_layer_model_projection";
    let h = graph.linear(x, "model", name, &[(name, wide)], false);
    // The projection is divided by the root of the width. A norm takes that off again but for its epsilon.
    let norm = Norm { eps: (f64::from(norm.eps) * hidden) as f32, ..norm };
    let h = graph.group_norm(h, "model.per_layer_projection_norm", width, norm);
    let h = graph.scale(h, half as f32);
    PerLayer { width, rows: graph.add(rows, h) }
}
