//! `mlc-chat-config.json`: what a package says about its model, beside the weights.
//!
//! MLC has written this file in several versions, so every field but the few that nothing works without may be absent or null.

pub mod conversation;

use serde::Deserialize;

use crate::config::conversation::Conversation;
use crate::{ErrorKind, Result};

/// A package's chat config. Read it with [`ChatConfig::parse`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ChatConfig {
    /// Model family, such as `llama`.
    pub model_type: String,
    /// Quantization, such as `q4f16_1`.
    pub quantization: String,
    /// Rows of the logits, padding included.
    pub vocab_size: Option<u32>,
    /// Ids that mean something: those from here on are never sampled.
    pub active_vocab_size: Option<u32>,
    /// The most tokens of a sequence, as the package was made.
    pub context_window_size: Option<i64>,
    /// The most rows of a prefill step, as the package was made.
    pub prefill_chunk_size: Option<i64>,
    /// Sampling temperature for requests that name none.
    pub temperature: Option<f32>,
    /// Nucleus size for requests that name none.
    pub top_p: Option<f32>,
    /// How many of the likeliest tokens to draw among, for requests that do not say; 0 and -1 set no limit. Not of MLC, but of the
    /// `generation_config.json` that packages are made from, as is `min_p`.
    pub top_k: Option<i64>,
    /// Least part of the likeliest token's probability, for requests that name none.
    pub min_p: Option<f32>,
    /// Penalty on tokens that the answer has already, for requests that name none.
    pub presence_penalty: Option<f32>,
    /// Penalty for each time that the answer has a token, for requests that name none.
    pub frequency_penalty: Option<f32>,
    /// Divisor of the logits of tokens that the answer has already, for requests that name none.
    pub repetition_penalty: Option<f32>,
    /// Files of the tokenizer.
    pub tokenizer_files: Vec<String>,
    /// How to write a conversation, for packages without a Jinja template.
    pub conv_template: ConvTemplate,
    /// The id that starts a text.
    pub bos_token_id: TokenIds,
    /// The ids that end an answer.
    pub eos_token_id: TokenIds,
    /// The id that fills unused places.
    pub pad_token_id: TokenIds,
}

/// A conversation template: whole, or in old packages the name of one that MLC keeps in its code.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum ConvTemplate {
    /// All of it.
    Whole(Box<Conversation>),
    /// Only its name, which says nothing here.
    Named(String),
    /// None.
    #[default]
    Absent,
}

impl ConvTemplate {
    /// The template, if it is there in full.
    #[must_use]
    pub fn whole(&self) -> Option<&Conversation> {
        match self {
            ConvTemplate::Whole(conversation) => Some(conversation),
            _ => None,
        }
    }
}

/// One id, several, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum TokenIds {
    /// `2`
    One(u32),
    /// `[2, 7]`
    Several(Vec<u32>),
    /// `null`, or no such key.
    #[default]
    Absent,
}

impl TokenIds {
    /// The ids.
    #[must_use]
    pub fn as_slice(&self) -> &[u32] {
        match self {
            TokenIds::One(id) => std::slice::from_ref(id),
            TokenIds::Several(ids) => ids,
            TokenIds::Absent => &[],
        }
    }
}

impl ChatConfig {
    /// The file's name in a package.
    pub const FILE: &'static str = "mlc-chat-config.json";

    /// Reads the file.
    ///
    /// # Errors
    /// [`ErrorKind::Manifest`] where it is not JSON of this form, [`ErrorKind::ConfigValue`] where a value makes no sense.
    pub fn parse(json: &str) -> Result<ChatConfig> {
        let value: serde_json::Value = serde_json::from_str(json).map_err(|error| unusable(&error))?;
        let config: ChatConfig = serde_json::from_value(without_nulls(value)).map_err(|error| unusable(&error))?;
        config.check()?;
        Ok(config)
    }

    /// The ids that can be sampled, at most `vocab_size`.
    #[must_use]
    pub fn active_vocab(&self, vocab_size: u32) -> u32 {
        self.active_vocab_size.filter(|&active| active > 0).map_or(vocab_size, |active| active.min(vocab_size))
    }

    fn check(&self) -> Result<()> {
        let outside = |field, value: Option<f32>, allowed, low: f32, high: f32| match value {
            Some(value) if !(low..=high).contains(&value) => {
                Err(ErrorKind::ConfigValue { file: Self::FILE, field, value: value.to_string(), allowed })
            }
            _ => Ok(()),
        };
        outside("temperature", self.temperature, "it must be 0 or more", 0.0, f32::MAX)?;
        outside("top_p", self.top_p, "it must be from 0 to 1", 0.0, 1.0)?;
        outside("min_p", self.min_p, "it must be from 0 to 1", 0.0, 1.0)?;
        if let Some(top_k) = self.top_k.filter(|&top_k| top_k < -1) {
            let allowed = "it must be a whole number of 1 or more, or 0 or -1 for no limit";
            return Err(ErrorKind::ConfigValue { file: Self::FILE, field: "top_k", value: top_k.to_string(), allowed }.into());
        }
        outside("presence_penalty", self.presence_penalty, "it must be from -2 to 2", -2.0, 2.0)?;
        outside("frequency_penalty", self.frequency_penalty, "it must be from -2 to 2", -2.0, 2.0)?;
        outside("repetition_penalty", self.repetition_penalty, "it must be greater than 0", f32::MIN_POSITIVE, f32::MAX)?;
        Ok(())
    }
}

fn unusable(error: &serde_json::Error) -> ErrorKind {
    ErrorKind::Manifest { file: ChatConfig::FILE.into(), reason: error.to_string() }
}

/// A null says the same as an absent key, for serde too once it is gone.
fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(members) => serde_json::Value::Object(
            members.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key, without_nulls(value))).collect(),
        ),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ids_in_every_spelling() {
        let config =
            ChatConfig::parse(r#"{"eos_token_id": [151645, 151643], "bos_token_id": 1, "pad_token_id": null, "unheard_of": {}}"#).unwrap();
        assert_eq!(config.eos_token_id.as_slice(), [151645, 151643]);
        assert_eq!(config.bos_token_id.as_slice(), [1]);
        assert!(config.pad_token_id.as_slice().is_empty());
        assert_eq!(config.active_vocab(512), 512);
    }

    #[test]
    fn masks_padded_vocabularies() {
        let config = ChatConfig::parse(r#"{"vocab_size": 151936, "active_vocab_size": 151665}"#).unwrap();
        assert_eq!(config.active_vocab(151_936), 151_665);
        assert_eq!(config.active_vocab(100), 100);
    }

    #[test]
    fn reads_a_template_or_its_name() {
        let named = ChatConfig::parse(r#"{"conv_template": "llama-3"}"#).unwrap();
        assert_eq!(named.conv_template.whole(), None);
        let whole = ChatConfig::parse(r#"{"conv_template": {"seps": ["\n"], "stop_token_ids": [2]}}"#).unwrap();
        assert_eq!(whole.conv_template.whole().unwrap().stop_token_ids, [2]);
    }

    #[test]
    fn says_where_a_file_is_wrong() {
        let truncated = ChatConfig::parse("{\"vocab_size\":").unwrap_err();
        assert_eq!(truncated.code(), "ArtifactManifestError");
        let value = ChatConfig::parse(r#"{"top_p": 1.5}"#).unwrap_err();
        assert_eq!(value.to_string(), "`top_p` in mlc-chat-config.json is 1.5: it must be from 0 to 1");
        for wrong in [r#"{"min_p": -0.5}"#, r#"{"top_k": -2}"#] {
            assert_eq!(ChatConfig::parse(wrong).unwrap_err().code(), "ConfigValueError", "{wrong}");
        }
    }
}
