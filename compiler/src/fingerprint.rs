//! The fingerprint of a graph: the constants of its ops by name, and a digest of how they are joined.
//!
//! Packages carry these facts, so the text that a model gets here must never change. A new kind of op or
//! constant states a fact of its own, which no older package has.

use crate::graph::Graph;
use std::collections::BTreeMap;
use std::fmt::Write;
use tegula_plan::Fingerprint;

/// What a graph computes.
pub(crate) fn of(graph: &Graph) -> Fingerprint {
    let (mut facts, mut ops) = (Facts::default(), String::new());
    for (index, op) in graph.ops.iter().enumerate() {
        let text = op.kind.state(graph, &mut |name, value| facts.add(name, value));
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

    /// A constant that all ops share is stated alone; others with how often they follow each other, and
    /// by a digest where they change often.
    fn stated(self) -> Fingerprint {
        let mut fingerprint = Fingerprint::default();
        for (name, values) in self.0 {
            let runs: Vec<String> = values.iter().map(|(value, times)| format!("{value} x {times}")).collect();
            let text = match &values[..] {
                [(value, _)] => value.clone(),
                [_, _, _, _, _, ..] => format!("{}, {}, …, {}", runs[0], runs[1], Fingerprint::digest(&runs.join(", "))),
                _ => runs.join(", "),
            };
            fingerprint.state(name, text);
        }
        fingerprint
    }
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

    /// Caps and scales that only some models have, and windows that change from layer to layer.
    #[test]
    fn what_only_some_models_have_is_stated() {
        let gemma = |setting: &str, value: Value| {
            let change = |config: &mut Value| {
                config["model_type"] = "gemma2".into();
                config["num_hidden_layers"] = 6.into();
                config[setting] = value;
            };
            of(&mutated("llama", change).unwrap())
        };
        let plain = gemma("sliding_window", json!(16));
        assert!(plain.get("sliding_window").unwrap().starts_with("16 x 1, none x 1, …, "), "{plain:?}");
        let changed = |setting: &str, value: Value| -> Vec<String> {
            let other = gemma(setting, value);
            let names = plain.differences(&other).map(|(name, ..)| name.to_owned());
            names.filter(|name| name != "sliding_window").collect()
        };
        assert_eq!(changed("attn_logit_softcapping", json!(25.0)), ["attention_softcap"]);
        assert_eq!(changed("final_logit_softcapping", json!(15.0)), ["softcap"]);
        for cap in ["attn_logit_softcapping", "final_logit_softcapping"] {
            assert_eq!(changed(cap, Value::Null), ["ops"], "{cap}");
        }
        assert_eq!(changed("query_pre_attn_scalar", json!(99.0)), ["attention_scale"]);
        assert_ne!(plain.get("sliding_window"), gemma("sliding_window", json!(24)).get("sliding_window"));
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
