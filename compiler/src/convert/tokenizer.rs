//! What a package says about its tokenizer, read from the tokenizer's own files.

use super::tokenizer_config::{NAME, TEMPLATE, TokenizerConfig};
use crate::Error;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::Path;
use tegula_package::mlc::TOKENIZER_FILES;
use tegula_package::mlc::chat_config::{Bytes, TokenizerInfo};
use tegula_package::{file, json};

/// What a tokenizer.json says.
#[derive(Debug)]
pub struct Tokenizer {
    /// One more than the greatest id.
    pub size: u32,
    /// For the package.
    pub info: TokenizerInfo,
    /// Ids of the tokens that are markup rather than text.
    pub added: BTreeMap<String, u32>,
}

impl Tokenizer {
    /// Reads the folder's tokenizer.json, if it has one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Package`] if it is damaged or cannot be read.
    pub fn read(folder: &Path, config: &TokenizerConfig) -> Result<Option<Tokenizer>, Error> {
        let path = folder.join("tokenizer.json");
        if !path.is_file() {
            return Ok(None);
        }
        let file: TokenizerFile = file::read_json(&path)?;
        let mut added: BTreeMap<String, u32> = file.added_tokens.into_iter().map(|token| (token.content, token.id)).collect();
        for (content, id) in &config.added {
            added.entry(content.clone()).or_insert(*id);
        }
        let greatest = added.values().max().map_or(0, |id| id.saturating_add(1));
        let decoders = stages(&file.decoder, "decoders");
        let normalizers = stages(&file.normalizer, "normalizers");
        let pre_tokenizers = stages(&file.pre_tokenizer, "pretokenizers");
        let is = |stage: &Value, kind: &str| stage["type"] == kind;
        let info = TokenizerInfo {
            token_postproc_method: if decoders.iter().any(|stage| is(stage, "ByteLevel")) { Bytes::ByteLevel } else { Bytes::ByteFallback },
            prepend_space_in_encode: normalizers.iter().any(|stage| is(stage, "Prepend"))
                || pre_tokenizers.iter().any(|stage| is(stage, "Metaspace") && stage["prepend_scheme"] != "never"),
            strip_space_in_decode: decoders.iter().any(|stage| is(stage, "Strip") && stage["content"] == " " && stage["start"] == 1),
        };
        Ok(Some(Tokenizer { size: file.model.vocab.size.max(greatest), info, added }))
    }
}

impl Tokenizer {
    /// Fails where it has ids that the model does not have.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Package`].
    pub fn check(&self, folder: &Path, vocab_size: u32) -> Result<(), Error> {
        if self.size <= vocab_size {
            return Ok(());
        }
        let added = self.added.iter().filter(|(_, id)| **id >= vocab_size).min_by_key(|(_, id)| **id);
        let named = added.map_or(String::new(), |(token, id)| format!(", such as {id} of `{token}`"));
        let reason = format!(
            "it has ids up to {}{named}, but the model has {vocab_size} tokens (`vocab_size`); is it the tokenizer of this model?",
            self.size - 1
        );
        Err(file::damaged(&folder.join("tokenizer.json"), reason).into())
    }
}

/// The parts of tokenizer.json that matter here.
#[derive(Deserialize)]
struct TokenizerFile {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    decoder: Value,
}

#[derive(Deserialize)]
struct Model {
    vocab: Vocab,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
}

/// The single stage or the sequence of stages of a part of the pipeline.
fn stages<'a>(part: &'a Value, list: &str) -> &'a [Value] {
    if part["type"] == "Sequence" { part[list].as_array().map_or(&[], Vec::as_slice) } else { std::slice::from_ref(part) }
}

/// A vocabulary, of which nothing is kept but the size: a map from text to id, or a list.
struct Vocab {
    size: u32,
}

impl<'de> Deserialize<'de> for Vocab {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Size;
        impl<'de> Visitor<'de> for Size {
            type Value = Vocab;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a vocabulary")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vocab, A::Error> {
                let mut size = 0;
                while let Some((IgnoredAny, id)) = map.next_entry::<_, u32>()? {
                    size = size.max(id.saturating_add(1));
                }
                Ok(Vocab { size })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vocab, A::Error> {
                let mut size = 0;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    size += 1;
                }
                Ok(Vocab { size })
            }
        }
        deserializer.deserialize_any(Size)
    }
}

/// Copies the tokenizer's files, but for what the config of the package has, and gives their names.
///
/// # Errors
/// [`crate::ErrorKind::Package`] for a file that is something else or cannot be read.
pub fn copy(source: &Path, output: &Path, config: &TokenizerConfig) -> Result<Vec<&'static str>, Error> {
    let written = config.write(output)?;
    let is_copied = |name: &&str| source.join(name).is_file() && !(*name == TEMPLATE && config.has_template) && !(*name == NAME && written);
    let names: Vec<_> = TOKENIZER_FILES.into_iter().filter(is_copied).collect();
    for path in names.iter().map(|name| source.join(name)) {
        let mut start = Vec::new();
        let read = std::fs::File::open(&path).and_then(|file| file.take(64).read_to_end(&mut start));
        read.map_err(|error| file::io(&path, error))?;
        if let Some(reason) = json::impostor(&start) {
            return Err(file::damaged(&path, reason).into());
        }
    }
    for name in &names {
        let path = source.join(name);
        // The contents alone: a file that is read-only in a cache should not be so in the package.
        let copied = std::fs::File::open(&path).and_then(|mut from| {
            let mut to = std::fs::File::create(output.join(name))?;
            std::io::copy(&mut from, &mut to)
        });
        copied.map_err(|error| file::io(&path, error))?;
    }
    Ok(TOKENIZER_FILES.into_iter().filter(|name| names.contains(name) || (*name == NAME && written)).collect())
}
