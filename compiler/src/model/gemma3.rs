//! Gemma 3: Gemma 2's norms around attention and MLP, norms of query and key heads, windows in five of six layers with a rope base of
//! their own. The text model of those that see.

use super::parts::{Rotated, gated_mlp, logits};
use super::window::{by_type, types, window};
use super::{Rope, check, positive};
use crate::Error;
use crate::graph::{Act, Attention, Graph, HeadSpan, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default)]
    attention_bias: bool,
    use_bidirectional_attention: Option<bool>,
    #[serde(default = "pre_attn_scalar")]
    query_pre_attn_scalar: f64,
    attn_logit_softcapping: Option<f32>,
    final_logit_softcapping: Option<f32>,
    #[serde(default = "super::window::usual")]
    sliding_window: Option<i64>,
    /// MLC's spelling.
    sliding_window_size: Option<i64>,
    layer_types: Option<Vec<String>>,
    sliding_window_pattern: Option<u32>,
    _sliding_window_pattern: Option<u32>,
    rope_local_base_freq: Option<f64>,
}

fn pre_attn_scalar() -> f64 {
    256.0
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    // Configs of models that see say only what differs from these.
    let defaults = [
        ("vocab_size", 262_208.into()),
        ("num_attention_heads", 8.into()),
        ("num_key_value_heads", 4.into()),
        ("head_dim", 256.into()),
        ("max_position_embeddings", 131_072.into()),
    ];
    let read: Config = config.or(&defaults).read("gemma3")?;
    let Rotated { mut decoder, rope } = read.of;
    decoder.head_dim.get_or_insert(256);
    decoder.hidden_act = decoder.hidden_activation.take();
    let act = if decoder.hidden_act.is_some() { decoder.act()? } else { Act::GeluTanh };
    let (ffn, tied) = (decoder.intermediate_size, decoder.tie_word_embeddings.unwrap_or(true));
    let mut graph = decoder.graph("gemma3")?;
    graph.prefix = "language_model.";
    check("use_bidirectional_attention", "true", read.use_bidirectional_attention != Some(true), || "false".into())?;
    let scale = Some(positive("query_pre_attn_scalar", read.query_pre_attn_scalar)?.sqrt().recip() as f32);
    let softcap = read.attn_logit_softcapping;
    for (setting, cap) in [("attn_logit_softcapping", softcap), ("final_logit_softcapping", read.final_logit_softcapping)] {
        positive(setting, cap.unwrap_or(1.0).into())?;
    }
    let every = read.sliding_window_pattern.or(read._sliding_window_pattern).unwrap_or(6);
    check("sliding_window_pattern", every, every > 0, || "positive".into())?;
    let types = read.layer_types.unwrap_or_else(|| types(graph.layers, |layer| (layer + 1).is_multiple_of(every)));
    let windows = by_type(&types, graph.layers, window("sliding_window", read.sliding_window_size.or(read.sliding_window))?)?;
    let (hidden, heads, bias) = (graph.hidden_size, graph.heads, read.attention_bias);

    // Layers with a window have a base of their own, which is never scaled.
    let local = if rope.is_nested() { rope.clone() } else { Rope::plain(read.rope_local_base_freq.unwrap_or(10_000.0)) };
    let mut rotation = |rope: Rope, kind: &str| {
        if !types.iter().any(|other| other == kind) {
            return Ok(None);
        }
        let angles = rope.angles_of(kind, &graph, config.context_window_size)?;
        Ok::<_, Error>(Some(graph.rotation(angles)))
    };
    let (full, sliding) = (rotation(rope.or(Some(1e6), None), "full_attention")?, rotation(local, "sliding_attention")?);
    let norm = Norm { one_plus: true, ..Norm::rms(decoder.rms_norm_eps) };
    let x = graph.embed("model.embed_tokens");
    let mut x = graph.scale(x, f64::from(hidden).sqrt() as f32);
    for ((layer, window), kind) in (0..).zip(windows).zip(&types) {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");
        let rotation = if kind == "full_attention" { full } else { sliding };

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let parts = [("q_proj", heads.query_width()), ("k_proj", heads.kv_width()), ("v_proj", heads.kv_width())];
        let h = graph.linear_apart(h, &attn, "qkv_proj", &parts, bias);
        let h = graph.head_norm(h, &attn, ["q_norm", "k_norm"], HeadSpan::Each, norm);
        let h = graph.attention(h, layer, Attention { rotation, scale, softcap, window, ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], bias);
        let h = graph.norm(h, &format!("{at}.post_attention_layernorm"), norm);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.pre_feedforward_layernorm"), norm);
        let h = gated_mlp(&mut graph, h, &format!("{at}.mlp"), ffn, act, false);
        let h = graph.norm(h, &format!("{at}.post_feedforward_layernorm"), norm);
        x = graph.add(x, h);
    }
    let mut logits = logits(&mut graph, x, norm, tied);
    if let Some(cap) = read.final_logit_softcapping {
        logits = graph.softcap(logits, cap);
    }
    graph.argmax(logits);
    Ok(graph)
}
