//! Text to ids and back, by a package's `tokenizer.json` and `tokenizer_config.json`.
//!
//! Ids are those of Hugging Face's Python library. The post-processor of tokenizer.json adds its tokens, and `tokenizer_config.json`
//! overrules it where that library lets it (see [`Tokenizer::encode`]). Decoding goes token by token through [`crate::text::detokenizer`].

mod charsmap;
mod length;
mod literal;
mod merges;
mod plain;
mod scheme;
mod sound;

pub(crate) use scheme::Scheme;

use std::collections::BTreeMap;

use serde::Deserialize;
use tokenizers::AddedToken;

pub(crate) use literal::Literals;

use crate::{ErrorKind, Result};
use tegula_package::ErrorKind as Package;

/// A tokenizer with its special tokens.
pub struct Tokenizer {
    model: plain::Model,
    config: TokenizerConfig,
    /// Sorted.
    special: Vec<u32>,
    /// Whether a special token is looked for in normalized text.
    finds_normalized: bool,
    bos: Option<u32>,
    eos: Option<u32>,
    leading_bos: LeadingBos,
    pub(crate) scheme: Scheme,
}

/// What `tokenizer_config.json` changes about the first id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeadingBos {
    /// Nothing: tokenizer.json decides.
    AsProcessed,
    /// It is always there.
    Added,
    /// It is never there.
    Removed,
}

/// `tokenizer_config.json`, as far as it matters here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TokenizerConfig {
    /// Starts a text.
    pub bos_token: Option<SpecialToken>,
    /// Ends a text or turn.
    pub eos_token: Option<SpecialToken>,
    /// Stands for what has no token.
    pub unk_token: Option<SpecialToken>,
    /// Fills unused places.
    pub pad_token: Option<SpecialToken>,
    /// More tokens that are no text.
    pub additional_special_tokens: Option<Vec<SpecialToken>>,
    /// Tokens by their ids: those of tokenizer.json, maybe found in other ways, and more.
    pub added_tokens_decoder: Option<BTreeMap<u32, TokenProperties>>,
    /// Whether a text starts with `bos_token`.
    pub add_bos_token: Option<bool>,
    /// The Python class, which decides whether `add_bos_token` counts.
    pub tokenizer_class: Option<String>,
    /// A Jinja template, or several with names.
    pub chat_template: Option<ChatTemplates>,
}

/// A token's text, alone or among its properties.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum SpecialToken {
    /// `"<s>"`
    Text(String),
    /// `{"content": "<s>", …}`
    Properties(TokenProperties),
}

/// A token's text, and how it is found in a text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TokenProperties {
    /// The text.
    pub content: String,
    /// Whether it stands only for a word of its own.
    pub single_word: bool,
    /// Whether it takes white space before it along.
    pub lstrip: bool,
    /// Whether it takes white space behind it along.
    pub rstrip: bool,
    /// Whether it is looked for in normalized text; if absent, unless it is special.
    pub normalized: Option<bool>,
    /// Whether it is no text.
    pub special: bool,
}

impl TokenProperties {
    fn token(&self, special: bool) -> AddedToken {
        AddedToken {
            content: self.content.clone(),
            single_word: self.single_word,
            lstrip: self.lstrip,
            rstrip: self.rstrip,
            normalized: self.normalized.unwrap_or(!special),
            special,
        }
    }
}

/// Chat templates in tokenizer_config.json.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum ChatTemplates {
    /// The only one.
    One(String),
    /// Several, of which `default` and `tool_use` have a meaning.
    Named(Vec<NamedTemplate>),
}

/// One of several chat templates.
#[derive(Clone, Debug, Deserialize)]
pub struct NamedTemplate {
    /// `default`, `tool_use`, …
    pub name: String,
    /// Its text.
    pub template: String,
}

impl SpecialToken {
    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            SpecialToken::Text(text) | SpecialToken::Properties(TokenProperties { content: text, .. }) => text,
        }
    }
}

impl TokenizerConfig {
    /// The file's name in a package.
    pub const FILE: &'static str = "tokenizer_config.json";

    /// Reads the file.
    ///
    /// # Errors
    /// [`ErrorKind::Package`] where it is not JSON of this form.
    pub fn parse(json: &str) -> Result<TokenizerConfig> {
        serde_json::from_slice(json.as_bytes())
            .map_err(|error| Package::Manifest { file: Self::FILE.into(), reason: error.to_string() }.into())
    }

    fn special_tokens(&self) -> impl Iterator<Item = &SpecialToken> {
        [&self.bos_token, &self.eos_token, &self.unk_token, &self.pad_token]
            .into_iter()
            .flatten()
            .chain(self.additional_special_tokens.iter().flatten())
    }

    /// Adds to a tokenizer what this file says of its tokens, as Hugging Face's library does:
    /// `added_tokens_decoder` is right about how a token is found, and a token that is named is
    /// special, found as it was. One that is named without being known is left out: its id would be
    /// one that the model does not have.
    fn complete(&self, model: &mut plain::Model) -> tokenizers::Result<()> {
        let known = |model: &plain::Model, text: &str| {
            let id = model.token_to_id(text)?;
            model.get_added_vocabulary().get_added_tokens_decoder().get(&id).cloned()
        };
        let is_special = |model: &plain::Model, text: &str| {
            model.get_added_vocabulary().is_special_token(text) || self.special_tokens().any(|token| token.text() == text)
        };
        let declared: Vec<AddedToken> = self
            .added_tokens_decoder
            .iter()
            .flatten()
            .map(|(_, token)| token.token(token.special || is_special(model, &token.content)))
            .filter(|token| known(model, &token.content).as_ref() != Some(token))
            .collect();
        if !declared.is_empty() {
            model.add_tokens(declared)?;
        }
        let named: Vec<AddedToken> = self
            .special_tokens()
            .filter(|token| model.token_to_id(token.text()).is_some())
            .filter(|token| !model.get_added_vocabulary().is_special_token(token.text()))
            .map(|token| match (known(model, token.text()), token) {
                (Some(known), _) => AddedToken { special: true, ..known },
                (None, SpecialToken::Properties(properties)) => properties.token(true),
                (None, SpecialToken::Text(text)) => AddedToken::from(text.as_str(), true),
            })
            .collect();
        if !named.is_empty() {
            model.add_special_tokens(named)?;
        }
        Ok(())
    }
}

impl Tokenizer {
    /// The file's name in a package.
    pub const FILE: &'static str = "tokenizer.json";

    /// Reads a tokenizer from the bytes of tokenizer.json and, if the package has it, the text of tokenizer_config.json.
    ///
    /// # Errors
    /// [`ErrorKind::Package`] where either cannot be read.
    pub fn new(tokenizer_json: &[u8], config_json: Option<&str>) -> Result<Tokenizer> {
        let unsound = |reason: String| Package::Manifest { file: Self::FILE.into(), reason };
        let unusable = |error: tokenizers::Error| unsound(error.to_string());
        sound::file(tokenizer_json).map_err(unsound)?;
        let mut model: plain::Model = serde_json::from_slice(tokenizer_json).map_err(|error| unsound(error.to_string()))?;
        let config = config_json.map(TokenizerConfig::parse).transpose()?.unwrap_or_default();
        // Training settings that the file may carry along: a prompt is never cut or padded here.
        model.with_truncation(None).map_err(unusable)?.with_padding(None);
        config.complete(&mut model).map_err(unusable)?;
        sound::parts(&model).map_err(unsound)?;
        let mut special: Vec<u32> =
            model.get_added_tokens_decoder().into_iter().filter(|(_, token)| token.special).map(|(id, _)| id).collect();
        special.sort_unstable();
        let finds_normalized =
            model.get_added_vocabulary().get_added_tokens_decoder().values().any(|token| token.special && token.normalized);
        let id_of = |token: &Option<SpecialToken>| token.as_ref().and_then(|token| model.token_to_id(token.text()));
        let (bos, eos) = (id_of(&config.bos_token), id_of(&config.eos_token));
        let leading_bos = match config.add_bos_token {
            Some(true) => LeadingBos::Added,
            Some(false) if config.tokenizer_class.as_deref().is_some_and(rewrites_processor) => LeadingBos::Removed,
            _ => LeadingBos::AsProcessed,
        };
        let scheme = Scheme::of(model.get_decoder());
        Ok(Tokenizer { model, config, special, finds_normalized, bos, eos, leading_bos, scheme })
    }

    /// The ids of a text.
    ///
    /// With `special`, what starts or ends every text of this model is added: what the post-processor of tokenizer.json adds, and a leading
    /// `bos_token` where `add_bos_token` of tokenizer_config.json says so (for the Llama and Gemma classes, which rewrite the
    /// post-processor by it, also none where it says no). Special tokens that the text spells out are recognised in either case.
    ///
    /// # Errors
    /// [`ErrorKind::Tokenizer`].
    pub fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>> {
        let encoding =
            self.model.encode_fast(text, special).map_err(|error| ErrorKind::Tokenizer { reason: format!("encoding: {error}") })?;
        let mut ids = encoding.get_ids().to_vec();
        if special && let Some(bos) = self.bos {
            let plain = || self.model.encode_fast(text, false).map(|encoding| encoding.get_ids().first().copied());
            match self.leading_bos {
                LeadingBos::Added if ids.first() != Some(&bos) => ids.insert(0, bos),
                // Only what the post-processor put there goes; a text that spells it out keeps it.
                LeadingBos::Removed if ids.first() == Some(&bos) && plain().is_ok_and(|first| first != Some(bos)) => {
                    ids.remove(0);
                }
                _ => {}
            }
        }
        Ok(ids)
    }

    /// The id of a token, by its text in the vocabulary.
    #[must_use]
    pub fn id(&self, token: &str) -> Option<u32> {
        self.model.token_to_id(token)
    }

    /// A token's text in the vocabulary, such as `Ġthe` or `<0x0A>`.
    #[must_use]
    pub fn token(&self, id: u32) -> Option<String> {
        self.model.id_to_token(id)
    }

    /// Whether an id is no text, such as the end of a turn.
    #[must_use]
    pub fn is_special(&self, id: u32) -> bool {
        self.special.binary_search(&id).is_ok()
    }

    /// The id that starts a text.
    #[must_use]
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// The id that ends a text or turn.
    #[must_use]
    pub fn eos(&self) -> Option<u32> {
        self.eos
    }

    /// One more than the greatest id.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        self.model.get_vocab_size(true)
    }

    /// What tokenizer_config.json says.
    #[must_use]
    pub fn config(&self) -> &TokenizerConfig {
        &self.config
    }

    /// The text of ids by the tokenizers library itself, for decoders that cannot be followed token by token.
    pub(crate) fn decode_whole(&self, ids: &[u32]) -> String {
        // Without a token the library's BPEDecoder would count below zero.
        if !ids.iter().any(|id| self.token(*id).is_some()) {
            return String::new();
        }
        self.model.decode(ids, false).unwrap_or_default()
    }
}

/// Classes of Hugging Face's library that build the post-processor anew from `add_bos_token`.
fn rewrites_processor(class: &str) -> bool {
    ["Llama", "CodeLlama", "Gemma"].iter().any(|family| class.strip_prefix(family).is_some_and(|rest| rest.starts_with("Tokenizer")))
}

#[cfg(test)]
pub(crate) mod tests;
