//! `mlc-chat-config.json`: what a package says about its model, beside the weights.
//!
//! Members that this project uses must have the right type if they are present. The rest is there for
//! WebLLM: an odd value there is no reason to refuse the package, and without the feature `make` it is
//! not read at all.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use tegula_plan::Fingerprint;

use super::conversation::Conversation;
use super::lenient;
use crate::{ErrorKind, Result};

/// A package's chat config. Read it with [`ChatConfig::parse`].
///
/// How to draw is kept as the numbers that were read, so that they are written as they came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatConfig {
    /// Of the format: `0.1.0`.
    #[cfg_attr(feature = "make", serde(deserialize_with = "lenient::read"))]
    #[cfg_attr(not(feature = "make"), serde(skip_deserializing))]
    pub version: String,
    /// Model family, such as `llama`.
    pub model_type: String,
    /// Quantization, such as `q4f16_1`.
    pub quantization: String,
    /// The settings of the architecture, which a compiler reads.
    #[cfg_attr(feature = "make", serde(deserialize_with = "lenient::read"))]
    #[cfg_attr(not(feature = "make"), serde(skip_deserializing))]
    pub model_config: Map<String, Value>,
    /// Rows of the logits, padding included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vocab_size: Option<u32>,
    /// The most tokens of a sequence, as the package was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window_size: Option<i64>,
    /// Positions that every layer looks back; -1 for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "make", serde(deserialize_with = "lenient::read"))]
    #[cfg_attr(not(feature = "make"), serde(skip_deserializing))]
    pub sliding_window_size: Option<i64>,
    /// The most rows of a prefill step, as the package was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill_chunk_size: Option<i64>,
    /// First tokens that a sliding window keeps; -1 without a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "make", serde(deserialize_with = "lenient::read"))]
    #[cfg_attr(not(feature = "make"), serde(skip_deserializing))]
    pub attention_sink_size: Option<i64>,
    /// Devices that share each layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "make", serde(deserialize_with = "lenient::read"))]
    #[cfg_attr(not(feature = "make"), serde(skip_deserializing))]
    pub tensor_parallel_shards: Option<u32>,
    /// Devices that share the layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "make", serde(deserialize_with = "lenient::read"))]
    #[cfg_attr(not(feature = "make"), serde(skip_deserializing))]
    pub pipeline_parallel_stages: Option<u32>,
    /// Ids that mean something: those from here on are never sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_vocab_size: Option<u32>,
    /// Sampling temperature for requests that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Number>,
    /// Penalty on tokens that the answer has already, for requests that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<Number>,
    /// Penalty for each time that the answer has a token, for requests that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<Number>,
    /// Divisor of the logits of tokens that the answer has already, for requests that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<Number>,
    /// Nucleus size for requests that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<Number>,
    /// How many of the likeliest tokens to draw among, for requests that do not say; 0 and -1 set no
    /// limit. Not of MLC, but of the `generation_config.json` that packages are made from, as is
    /// `min_p`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<i64>,
    /// Least part of the likeliest token's probability, for requests that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<Number>,
    /// Files of the tokenizer.
    pub tokenizer_files: Vec<String>,
    /// How token texts become text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "make", serde(deserialize_with = "lenient::read"))]
    #[cfg_attr(not(feature = "make"), serde(skip_deserializing))]
    pub tokenizer_info: Option<TokenizerInfo>,
    /// How to write a conversation, for packages without a Jinja template.
    pub conv_template: ConvTemplate,
    /// The id that fills unused places.
    #[serde(skip_serializing_if = "TokenIds::is_absent")]
    pub pad_token_id: TokenIds,
    /// The id that starts a text.
    #[serde(skip_serializing_if = "TokenIds::is_absent")]
    pub bos_token_id: TokenIds,
    /// The ids that end an answer.
    #[serde(skip_serializing_if = "TokenIds::is_absent")]
    pub eos_token_id: TokenIds,
    /// What the model computes beyond shapes. Not of MLC, whose packages have none.
    #[serde(skip_serializing_if = "Fingerprint::is_empty", deserialize_with = "lenient::read")]
    pub fingerprint: Fingerprint,
}

/// `tokenizer_info`: how token texts become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenizerInfo {
    /// How bytes are written in tokens.
    pub token_postproc_method: Bytes,
    /// Whether a space goes before the text.
    pub prepend_space_in_encode: bool,
    /// Whether the first space is taken off again.
    pub strip_space_in_decode: bool,
}

/// How bytes are written in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bytes {
    /// As tokens of the form `<0x1B>`, where no other fits.
    ByteFallback,
    /// Each as a printable character.
    ByteLevel,
}

/// A conversation template: whole, or in old packages the name of one that MLC keeps in its code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

    fn is_absent(&self) -> bool {
        *self == TokenIds::Absent
    }
}

impl From<&[u32]> for TokenIds {
    fn from(ids: &[u32]) -> Self {
        match ids {
            [] => TokenIds::Absent,
            [one] => TokenIds::One(*one),
            several => TokenIds::Several(several.into()),
        }
    }
}

/// A number in the precision in which models are run.
#[must_use]
pub fn single(number: Option<&Number>) -> Option<f32> {
    number.and_then(Number::as_f64).map(|number| number as f32)
}

impl ChatConfig {
    /// The file's name in a package.
    pub const FILE: &'static str = "mlc-chat-config.json";

    /// Reads the file.
    ///
    /// # Errors
    /// [`ErrorKind::Manifest`] where it is not JSON of this form, [`ErrorKind::ConfigValue`] where a value makes no sense.
    pub fn parse(json: &str) -> Result<ChatConfig> {
        let value: Value = serde_json::from_slice(json.as_bytes()).map_err(|error| unusable(&error))?;
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
        let outside = |field, value: &Option<Number>, allowed, low: f32, high: f32| match single(value.as_ref()) {
            Some(value) if !(low..=high).contains(&value) => {
                Err(ErrorKind::ConfigValue { file: Self::FILE, field, value: value.to_string(), allowed })
            }
            _ => Ok(()),
        };
        outside("temperature", &self.temperature, "it must be 0 or more", 0.0, f32::MAX)?;
        outside("top_p", &self.top_p, "it must be from 0 to 1", 0.0, 1.0)?;
        outside("min_p", &self.min_p, "it must be from 0 to 1", 0.0, 1.0)?;
        if let Some(top_k) = self.top_k.filter(|&top_k| top_k < -1) {
            let allowed = "it must be a whole number of 1 or more, or 0 or -1 for no limit";
            return Err(ErrorKind::ConfigValue { file: Self::FILE, field: "top_k", value: top_k.to_string(), allowed }.into());
        }
        outside("presence_penalty", &self.presence_penalty, "it must be from -2 to 2", -2.0, 2.0)?;
        outside("frequency_penalty", &self.frequency_penalty, "it must be from -2 to 2", -2.0, 2.0)?;
        outside("repetition_penalty", &self.repetition_penalty, "it must be greater than 0", f32::MIN_POSITIVE, f32::MAX)?;
        Ok(())
    }
}

fn unusable(error: &serde_json::Error) -> ErrorKind {
    ErrorKind::Manifest { file: ChatConfig::FILE.into(), reason: error.to_string() }
}

/// A null says the same as an absent key, for serde too once it is gone. Settings of the architecture
/// are kept as they are.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| if key == "model_config" { (key, value) } else { (key, without_nulls(value)) })
                .collect(),
        ),
        other => other,
    }
}

#[cfg(test)]
#[path = "chat_config_tests.rs"]
mod tests;
