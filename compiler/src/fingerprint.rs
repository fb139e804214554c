//! The fingerprint of a graph: the constants of its ops by name, and a digest of how they are joined.
//!
//! Packages carry these facts, so that what is written here for a model stays as it is. A new kind of op
//! or constant states a fact of its own, which no older package has.

use crate::graph::{Act, Graph, NormKind, OpKind, ParamId, Value};
use std::collections::BTreeMap;
use std::fmt::Write;
use tegula_plan::Fingerprint;

/// What a graph computes.
pub(crate) fn of(graph: &Graph) -> Fingerprint {
    let (mut facts, mut ops) = (Facts::default(), String::new());
    let at = |value: &Value| value.0;
    let name = |id: &ParamId| graph.param(*id).name.as_str();
    let bias = |id: &Option<ParamId>| id.as_ref().map_or("-", name);
    for (index, op) in graph.ops.iter().enumerate() {
        let text = match &op.kind {
            OpKind::Embed { table } => format!("embed {}", name(table)),
            OpKind::Positions { input, table } => format!("positions {} {}", at(input), name(table)),
            OpKind::Rotation { frequencies } => {
                facts.add("rope", rotation(frequencies));
                "rotation".into()
            }
            OpKind::Norm { input, kind, gain, bias: added, eps } => {
                facts.add("norm_eps", format!("{eps:e}"));
                let kind = match kind {
                    NormKind::Rms => "norm",
                    NormKind::Layer => "layer_norm",
                };
                format!("{kind} {} {}{}", at(input), name(gain), added.as_ref().map_or(String::new(), |id| format!(" {}", name(id))))
            }
            OpKind::Linear { input, weight, bias: added } => {
                format!("linear {} {} {}", at(input), name(weight), bias(added))
            }
            OpKind::HeadNorm { input, query_gain, key_gain, eps } => {
                facts.add("head_norm_eps", format!("{eps:e}"));
                format!("head_norm {} {} {}", at(input), name(query_gain), name(key_gain))
            }
            OpKind::Rope { input, rotation } => format!("rope {} {}", at(input), at(rotation)),
            OpKind::Append { input, layer } => format!("append {} {layer}", at(input)),
            OpKind::Attention { query, layer, scale, softcap, window } => {
                facts.add("attention_scale", scale.to_string());
                facts.add("sliding_window", window.map_or("none".into(), |window| window.to_string()));
                // A cap is told by its op too, since a model without one states nothing of it.
                softcap.iter().for_each(|cap| facts.add("attention_softcap", cap.to_string()));
                format!("attention {} {layer}{}", at(query), if softcap.is_some() { " softcap" } else { "" })
            }
            OpKind::Gated { input, act } => {
                facts.add("activation", activation(*act));
                format!("gated {}", at(input))
            }
            OpKind::Act { input, act } => {
                facts.add("activation", activation(*act));
                format!("act {}", at(input))
            }
            OpKind::Scale { input, factor } => {
                facts.add("scale", factor.to_string());
                format!("scale {}", at(input))
            }
            OpKind::SoftCap { input, cap } => {
                facts.add("softcap", cap.to_string());
                format!("softcap {}", at(input))
            }
            OpKind::Add { left, right } => format!("add {} {}", at(left), at(right)),
            OpKind::ArgMax { input } => format!("argmax {}", at(input)),
        };
        writeln!(ops, "{index} {} {text}", op.width).expect("strings take everything");
    }
    let mut fingerprint = facts.stated();
    fingerprint.state("ops", Fingerprint::digest(&ops));
    fingerprint
}

/// Constants by name, in the order of the ops that have them.
#[derive(Default)]
struct Facts(BTreeMap<&'static str, Vec<(String, usize)>>);

impl Facts {
    fn add(&mut self, name: &'static str, value: String) {
        let values = self.0.entry(name).or_default();
        match values.last_mut() {
            Some((last, times)) if *last == value => *times += 1,
            _ => values.push((value, 1)),
        }
    }

    /// A constant that all ops share is stated alone; others with how often they follow each other.
    fn stated(self) -> Fingerprint {
        let mut fingerprint = Fingerprint::default();
        for (name, values) in self.0 {
            let text = match &values[..] {
                [(value, _)] => value.clone(),
                several => several.iter().map(|(value, times)| format!("{value} x {times}")).collect::<Vec<_>>().join(", "),
            };
            fingerprint.state(name, text);
        }
        fingerprint
    }
}

/// An activation by the name that it has in packages, whatever it is called here.
fn activation(act: Act) -> String {
    match act {
        Act::Silu => "silu".into(),
        Act::GeluTanh => "gelu_tanh".into(),
    }
}

/// Frequencies of a rotation: how many, the highest and the lowest, and a digest of all. They are
/// rounded, since the last bits of a power depend on the system that works it out.
fn rotation(frequencies: &[f32]) -> String {
    let rounded: Vec<String> = frequencies.iter().map(|frequency| format!("{frequency:.4e}")).collect();
    let (first, last) = (rounded.first().map_or("", String::as_str), rounded.last().map_or("", String::as_str));
    format!("{} frequencies from {first} to {last}, {}", rounded.len(), Fingerprint::digest(&rounded.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::model::tests::{mutated, tiny};
    use serde_json::{Value, json};
    use tegula_plan::Fingerprint;

    /// Names of the facts that a changed setting changes.
    fn changed(architecture: &str, setting: &str, value: Value) -> Vec<String> {
        let graph = mutated(architecture, |config| config[setting] = value).unwrap();
        of(&tiny(architecture)).differences(&of(&graph)).map(|(name, ..)| name.to_owned()).collect()
    }

    #[test]
    fn constants_are_stated_by_name() {
        let llama = of(&tiny("llama"));
        let facts = ["activation", "norm_eps", "sliding_window"].map(|name| llama.get(name));
        assert_eq!(facts, [Some("silu"), Some("1e-5"), Some("none")]);
        assert!(llama.get("rope").unwrap().contains("frequencies from 1.0000e0 to "), "{llama:?}");
        assert_eq!(changed("llama", "rms_norm_eps", json!(1e-6)), ["norm_eps"]);
        assert_eq!(changed("llama", "rope_theta", json!(20_000.0)), ["rope"]);
        assert_eq!(changed("llama", "rope_scaling", json!({"rope_type": "linear", "factor": 2.0})), ["rope"]);
        assert_eq!(changed("mistral", "sliding_window", json!(25)), ["sliding_window"]);
        assert_eq!(changed("mistral", "sliding_window", Value::Null), ["sliding_window"]);
        assert_eq!(changed("qwen3", "rms_norm_eps", json!(1e-5)), ["head_norm_eps", "norm_eps"]);
        assert_eq!(changed("llama", "attention_bias", json!(true)), ["ops"]);
        assert_eq!(changed("llama", "tie_word_embeddings", json!(true)), ["ops"]);
        assert_eq!(changed("llama", "num_hidden_layers", json!(1)), ["ops"]);
    }

    #[test]
    fn layers_that_differ_are_told_apart() {
        let with = |first: u32| {
            mutated("qwen3", |config| {
                config["use_sliding_window"] = true.into();
                config["sliding_window"] = 16.into();
                config["max_window_layers"] = first.into();
            })
        };
        let window = |first| of(&with(first).unwrap()).get("sliding_window").map(str::to_owned);
        assert_eq!(window(1).unwrap(), "none x 1, 16 x 1");
        assert_eq!(window(0).unwrap(), "16");
    }

    /// How long a context is, and what a model is called, says nothing of what it computes.
    #[test]
    fn what_does_not_change_answers_is_not_stated() {
        for (setting, value) in [("max_position_embeddings", json!(99)), ("bos_token_id", json!(7)), ("torch_dtype", json!("float32"))] {
            assert_eq!(changed("llama", setting, value), Vec::<String>::new(), "{setting}");
        }
    }

    /// Packages that were made have these texts.
    #[test]
    fn fingerprints_stay_as_they_are() {
        let text = |name: &str| serde_json::to_string(&of(&tiny(name))).unwrap();
        let expected = ["llama", "mistral", "qwen3"].map(|name| Fingerprint::digest(&text(name)));
        assert_eq!(expected, ["bc3b408e1c61", "c90b371ff2ad", "a0b7c28121c6"], "{}", text("llama"));
    }
}
