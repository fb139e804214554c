//! Ops as text, for people and for goldens.

use super::{Gate, Graph, HeadSpan, NormKind, OpKind, Pairs, ParamId};

impl OpKind {
    /// One line, for people and for goldens.
    #[must_use]
    pub fn text(&self, graph: &Graph) -> String {
        let name = |id: ParamId| &graph.param(id).name;
        match self {
            OpKind::Embed { table } => format!("embed {}", name(*table)),
            OpKind::Positions { input, table } => format!("positions {input} table {}", name(*table)),
            OpKind::Rotation { frequencies, long, factor } => {
                let factor = if *factor == 1.0 { String::new() } else { format!(" factor {factor}") };
                let long = long.as_ref().map(|long| format!(" long {long:?}")).unwrap_or_default();
                format!("rotation {frequencies:?}{long}{factor}")
            }
            OpKind::Norm { input, kind, gain, bias, eps } => {
                let kind = if *kind == NormKind::Layer { "layer_norm" } else { "norm" };
                let bias = bias.map(|bias| format!(" bias {}", name(bias))).unwrap_or_default();
                format!("{kind} {input} gain {}{bias} eps {eps:e}", name(*gain))
            }
            OpKind::Linear { input, weight, bias } => {
                let bias = bias.map(|bias| format!(" bias {}", name(bias))).unwrap_or_default();
                format!("linear {input} weight {}{bias}", name(*weight))
            }
            OpKind::GroupNorm { input, gain, eps } => format!("group_norm {input} gain {} eps {eps:e}", name(*gain)),
            OpKind::HeadNorm { input, span, values, query_gain, key_gain, eps } => {
                format!("{}{} {input} gains {} {} eps {eps:e}", head_norm(*span), values_too(*values), name(*query_gain), name(*key_gain))
            }
            OpKind::Rope { input, rotation, pairs, growth } => {
                let growth = growth.map(|growth| format!(" growth {} each {}", growth.rate, growth.span)).unwrap_or_default();
                format!("rope{} {input} by {rotation}{growth}", neighbours(*pairs))
            }
            OpKind::Append { input, layer: Some(layer), .. } => format!("append {input} to cache {layer}"),
            OpKind::Append { input, layer: None, .. } => format!("queries {input}"),
            OpKind::Attention { query, layer, scale, softcap, window, .. } => {
                format!("attention {query} over cache {layer} scale {scale}{}{}", option(" softcap", *softcap), option(" window", *window))
            }
            OpKind::Gated { input, act, gate } => format!("{}_mul{} {input}", act.name(), second(*gate)),
            OpKind::Act { input, act } => format!("{} {input}", act.name()),
            OpKind::Scale { input, factor } => format!("scale {input} by {factor}"),
            OpKind::SoftCap { input, cap } => format!("softcap {input} cap {cap}"),
            OpKind::ScaleBy { input, factor } => format!("scale {input} by {}", name(*factor)),
            OpKind::Multiply { input, other, first } => format!("multiply {input} by {other} from {first}"),
            OpKind::Add { left, right } => format!("add {left} {right}"),
            OpKind::ArgMax { input } => format!("argmax {input}"),
        }
    }
}

pub(super) fn head_norm(span: HeadSpan) -> &'static str {
    if span == HeadSpan::All { "heads_norm" } else { "head_norm" }
}

pub(super) fn values_too(values: bool) -> &'static str {
    if values { "_values" } else { "" }
}

pub(super) fn neighbours(pairs: Pairs) -> &'static str {
    if pairs == Pairs::Neighbours { "_neighbours" } else { "" }
}

pub(super) fn second(gate: Gate) -> &'static str {
    if gate == Gate::Second { "_second" } else { "" }
}

/// A word and a number, where there is one.
pub(crate) fn option(word: &str, number: Option<impl std::fmt::Display>) -> String {
    number.map(|number| format!("{word} {number}")).unwrap_or_default()
}
