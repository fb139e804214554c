//! Gemma: norms of one plus the gain, scaled embeddings, a gated MLP with gelu.

use super::check;
use super::parts::{Rotated, gated_mlp, logits, qkv};
use crate::Error;
use crate::graph::{Act, Attention, Graph, Norm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    of: Rotated,
    #[serde(default)]
    attention_bias: bool,
    use_bidirectional_attention: Option<bool>,
}

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let Config { of: Rotated { mut decoder, rope }, attention_bias, use_bidirectional_attention } = config.read("gemma")?;
    check("use_bidirectional_attention", "true", use_bidirectional_attention != Some(true), || "false".into())?;
    decoder.head_dim.get_or_insert(256);
    // Models of before the name `hidden_activation` say `gelu` and were trained with the other.
    decoder.hidden_act = decoder.hidden_activation.take().or(decoder.hidden_act).filter(|act| act != "gelu");
    let act = if decoder.hidden_act.is_some() { decoder.act()? } else { Act::GeluTanh };
    let (ffn, tied) = (decoder.intermediate_size, decoder.tie_word_embeddings.unwrap_or(true));
    let mut graph = decoder.graph("gemma")?;
    let hidden = graph.hidden_size;

    let angles = rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = graph.rotation(angles);
    let norm = Norm { one_plus: true, ..Norm::rms(decoder.rms_norm_eps) };
    let x = graph.embed("model.embed_tokens");
    let mut x = graph.scale(x, f64::from(hidden).sqrt() as f32);
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = qkv(&mut graph, h, &attn, "qkv_proj", attention_bias);
        let h = graph.attention(h, layer, Attention { rotation: Some(rotation), ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], attention_bias);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = gated_mlp(&mut graph, h, &format!("{at}.mlp"), ffn, act, false);
        x = graph.add(x, h);
    }
    let logits = logits(&mut graph, x, norm, tied);
    graph.argmax(logits);
    Ok(graph)
}
