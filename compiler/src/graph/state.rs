//! What ops state of themselves: the fingerprint of a model consists of it.

use super::text::{head_norm, neighbours, second, values_too};
use super::{Graph, Growth, NormKind, OpKind, ParamId, Value};
use tegula_plan::Fingerprint;

impl OpKind {
    /// How it is joined to other ops, and its constants by name: what the fingerprint of a model consists of. Packages carry these, so the
    /// text that an op gets must never change. A new op or constant states facts of its own, which no older package has.
    pub(crate) fn state(&self, graph: &Graph, fact: &mut dyn FnMut(&'static str, String)) -> String {
        let name = |id: &ParamId| graph.param(*id).name.as_str();
        let other = |id: &Option<ParamId>| id.as_ref().map_or("-", name);
        let at = |value: &Value| value.0;
        match self {
            OpKind::Embed { table } => format!("embed {}", name(table)),
            OpKind::Positions { input, table } => format!("positions {} {}", at(input), name(table)),
            OpKind::Rotation { frequencies, long, factor } => {
                fact("rope", rotation(frequencies));
                if let (Some(long), Some(after)) = (long, graph.stretched_after) {
                    fact("rope_long", format!("{} after {after} tokens", rotation(long)));
                }
                if *factor == 1.0 {
                    return "rotation".into();
                }
                fact("rope_factor", factor.to_string());
                "rotation scaled".into()
            }
            OpKind::Norm { input, kind: NormKind::Rms, gain, bias: None, eps } => {
                fact("norm_eps", format!("{eps:e}"));
                format!("norm {} {}", at(input), name(gain))
            }
            OpKind::Norm { input, kind, gain, bias, eps } => {
                fact("norm_eps", format!("{eps:e}"));
                let kind = if *kind == NormKind::Layer { "layer_norm" } else { "norm" };
                format!("{kind} {} {} {}", at(input), name(gain), other(bias))
            }
            OpKind::Linear { input, weight, bias } => format!("linear {} {} {}", at(input), name(weight), other(bias)),
            OpKind::GroupNorm { input, gain, eps } => {
                fact("group_norm_eps", format!("{eps:e}"));
                format!("group_norm {} {}", at(input), name(gain))
            }
            OpKind::HeadNorm { input, span, values, query_gain, key_gain, eps } => {
                fact("head_norm_eps", format!("{eps:e}"));
                format!("{}{} {} {} {}", head_norm(*span), values_too(*values), at(input), name(query_gain), name(key_gain))
            }
            OpKind::Rope { input, rotation, pairs, growth } => {
                if let Some(Growth { rate, span }) = growth {
                    fact("query_growth", format!("{rate} each {span}"));
                }
                let growth = if growth.is_some() { " grown" } else { "" };
                format!("rope{} {} {}{growth}", neighbours(*pairs), at(input), at(rotation))
            }
            OpKind::Append { input, layer: Some(layer), .. } => format!("append {} {layer}", at(input)),
            OpKind::Append { input, layer: None, heads } => format!("queries {} {}x{}", at(input), heads.query, heads.dim),
            OpKind::Attention { query, layer, scale, softcap, window, .. } => {
                fact("attention_scale", scale.to_string());
                if let Some(cap) = softcap {
                    fact("attention_softcap", cap.to_string());
                }
                fact("sliding_window", window.map_or("none".into(), |window| window.to_string()));
                // A model without a cap states nothing of it: the text tells the two apart.
                format!("attention {} {layer}{}", at(query), if softcap.is_some() { " softcap" } else { "" })
            }
            OpKind::Gated { input, act, gate } => {
                fact("activation", act.name().into());
                format!("gated{} {}", second(*gate), at(input))
            }
            OpKind::Act { input, act } => {
                fact("activation", act.name().into());
                format!("act {}", at(input))
            }
            OpKind::Scale { input, factor } => {
                fact("scale", factor.to_string());
                format!("scale {}", at(input))
            }
            OpKind::SoftCap { input, cap } => {
                fact("softcap", cap.to_string());
                format!("softcap {}", at(input))
            }
            OpKind::ScaleBy { input, factor } => format!("scale_by {} {}", at(input), name(factor)),
            OpKind::Multiply { input, other, first } => format!("multiply {} {} {first}", at(input), at(other)),
            OpKind::Add { left, right } => format!("add {} {}", at(left), at(right)),
            OpKind::ArgMax { input } => format!("argmax {}", at(input)),
        }
    }
}

/// Frequencies of a rotation: how many, the highest and the lowest, and a digest of all. They are
/// rounded, since the last bits of a power depend on the system that works it out.
fn rotation(frequencies: &[f32]) -> String {
    let rounded: Vec<String> = frequencies.iter().map(|frequency| format!("{frequency:.4e}")).collect();
    let (first, last) = (rounded.first().map_or("", String::as_str), rounded.last().map_or("", String::as_str));
    format!("{} frequencies from {first} to {last}, {}", rounded.len(), Fingerprint::digest(&rounded.join(" ")))
}
