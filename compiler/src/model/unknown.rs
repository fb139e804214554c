//! What is said of architectures that are not known: why they are not supported, and which one is nearest.

use super::ALL;
use crate::config::Config;
use crate::{Error, ErrorKind};

/// Families that take more than a known architecture, by what that is. A name stands for all that begin with it.
const FAMILIES: &[(&str, &[&str])] = &[
    (
        "it has a recurrent state, which is not supported yet",
        &[
            "bamba",
            "falcon_h1",
            "falcon_mamba",
            "jamba",
            "lfm2",
            "mamba",
            "nemotron_h",
            "qwen3_5",
            "qwen3_next",
            "recurrent_gemma",
            "rwkv",
            "zamba",
        ],
    ),
    (EXPERTS, &["dbrx", "deepseek", "dots1", "gpt_oss", "kimi_k2", "llama4", "minimax", "mixtral"]),
    ("its layers attend to images", &["mllama"]),
    (
        "it is an encoder, which writes no text",
        &[
            "albert",
            "bert",
            "clip",
            "deberta",
            "distilbert",
            "electra",
            "modernbert",
            "mpnet",
            "nomic_bert",
            "roberta",
            "siglip",
            "xlm_roberta",
        ],
    ),
    (
        "it has an encoder beside its decoder, which is not supported",
        &["bart", "m2m_100", "marian", "mbart", "moonshine", "mt5", "pegasus", "t5", "umt5", "whisper"],
    ),
];

/// What is said of a mixture of experts.
const EXPERTS: &str = "it is a mixture of experts, which is not supported yet";

/// The error for a config of no known architecture.
pub(super) fn error(config: &Config) -> Error {
    let found = config.model_type.clone().unwrap_or_else(|| config.classes.join(", "));
    let plain = plain(&found);
    let name = plain.strip_suffix("text").unwrap_or(&plain);
    ErrorKind::UnknownArchitecture { reason: reason(name), nearest: nearest(name), found }.into()
}

/// A `model_type` or a class as it is compared: the same for both, and however it is spelled.
fn plain(name: &str) -> String {
    let end = ["For", "LMHead", "Model"].iter().filter_map(|end| name.find(end)).min();
    name[..end.unwrap_or(name.len())].chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Why an architecture is not supported, if that is known.
fn reason(name: &str) -> Option<&'static str> {
    let is_of = |family: &&str| name.starts_with(&plain(family));
    let known = FAMILIES.iter().find(|(_, families)| families.iter().any(is_of));
    known.map(|(reason, _)| *reason).or(name.contains("moe").then_some(EXPERTS))
}

/// The known architecture that is most like this one: the name goes on where the other's ends, or few letters differ.
fn nearest(name: &str) -> Option<&'static str> {
    let distance = |known: &str| {
        let known = plain(known);
        if name.starts_with(&known) { 1.min(name.len() - known.len()) } else { strsim::osa_distance(name, &known) }
    };
    // Of those that are as near the last is the newest.
    let (distance, nearest) = ALL.iter().rev().map(|one| (distance(one.name), one.name)).min_by_key(|(distance, _)| *distance)?;
    (distance <= (name.len() / 3).max(1)).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::{ALL, FAMILIES, nearest, plain};
    use crate::config::Config;
    use crate::model::graph;
    use serde_json::{Value, json};

    fn said(config: Value) -> String {
        graph(&Config::parse(&config.to_string()).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_architecture_is_answered_with_the_reason_and_the_nearest() {
        for (found, reason, near) in [
            ("qwen2_moe", "mixture of experts", Some("qwen2")),
            ("glm4_moe_lite", "mixture of experts", Some("glm4")),
            ("mixtral", "mixture of experts", Some("mistral")),
            ("llama4_text", "mixture of experts", Some("llama")),
            ("deepseek_v3", "mixture of experts", None),
            ("gpt_oss", "mixture of experts", None),
            ("mamba2", "recurrent state", None),
            ("rwkv5", "recurrent state", None),
            ("qwen3_5_text", "recurrent state", Some("qwen3")),
            ("modernbert", "encoder", None),
            ("whisper", "encoder beside its decoder", None),
            ("lama", "", Some("llama")),
            ("Llama", "", Some("llama")),
            ("gpt-neox", "", Some("gpt_neox")),
            ("gemma3n_text", "", Some("gemma3")),
            ("starcoder", "", Some("starcoder2")),
            ("bloom", "", None),
            ("ä", "", None),
        ] {
            let error = said(json!({ "model_type": found }));
            assert!(error.contains(&format!("`{found}`")) && error.contains(reason) && error.contains("`tegula models`"), "{error}");
            assert_eq!(error.contains("nearest"), near.is_some(), "{error}");
            assert!(near.is_none_or(|near| error.contains(&format!("`{near}`"))), "{error}");
        }
        let error = said(json!({"architectures": ["Qwen3MoeForCausalLM"]}));
        assert!(error.contains("`Qwen3MoeForCausalLM`: it is a mixture of experts") && error.contains("is `qwen3`"), "{error}");
        assert!(said(json!({})).contains("neither `model_type` nor `architectures`"));
    }

    #[test]
    fn nothing_is_said_against_what_is_supported() {
        for known in ALL {
            let against = FAMILIES.iter().flat_map(|(_, families)| *families).find(|family| known.name == **family);
            assert_eq!(against, None, "{} is supported: take it off the list in this file", known.name);
            assert_eq!(nearest(&plain(known.name)), Some(known.name));
        }
    }
}
