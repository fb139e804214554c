//! Baichuan 1 and 2, 7B: Llama with a fused projection. The head of the second has rows of length one, which its code makes of what is stored.
//! The models of 13B have biases of attention by distance, and are refused.

use super::check;
use super::parts::{Rotated, gated_mlp, logits};
use crate::Error;
use crate::graph::{Attention, Change, Graph, Norm};

/// The vocabulary of Baichuan 2: nothing else in its config tells it from the first.
const VOCAB_OF_SECOND: u32 = 125_696;

/// The width of the models of 13B, whose positions are no rotation.
const WIDTH_OF_13B: u32 = 5120;

pub(super) fn graph(config: &crate::Config) -> Result<Graph, Error> {
    let Rotated { decoder, rope } = config.read("baichuan")?;
    let (ffn, act, tied) = (decoder.intermediate_size, decoder.act()?, decoder.tie_word_embeddings.unwrap_or(false));
    let mut graph = decoder.graph("baichuan")?;
    let hidden = graph.hidden_size;
    check("hidden_size", hidden, hidden != WIDTH_OF_13B, || {
        format!("other than {WIDTH_OF_13B}: Baichuan 13B has no rope but biases by distance (ALiBi), which are not supported")
    })?;

    let angles = rope.angles(&graph, &[None], config.context_window_size)?;
    let rotation = Some(graph.rotation(angles));
    let norm = Norm::rms(decoder.rms_norm_eps);
    let mut x = graph.embed("model.embed_tokens");
    for layer in 0..graph.layers {
        let at = format!("model.layers.{layer}");
        let attn = format!("{at}.self_attn");

        let h = graph.norm(x, &format!("{at}.input_layernorm"), norm);
        let h = graph.linear(h, &attn, "W_pack", &[("W_pack", graph.heads.width())], false);
        let h = graph.attention(h, layer, Attention { rotation, ..Attention::default() });
        let h = graph.linear(h, &attn, "o_proj", &[("o_proj", hidden)], false);
        x = graph.add(x, h);

        let h = graph.norm(x, &format!("{at}.post_attention_layernorm"), norm);
        let h = gated_mlp(&mut graph, h, &format!("{at}.mlp"), ffn, act, false);
        x = graph.add(x, h);
    }
    let logits = logits(&mut graph, x, norm, tied);
    if graph.vocab_size == VOCAB_OF_SECOND {
        graph.change_last(Change::UnitRows);
    }
    graph.argmax(logits);
    Ok(graph)
}
