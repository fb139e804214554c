//! What `tokenizer_config.json` says of special tokens and chat templates, and what of it becomes part of a tokenizer.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokenizers::AddedToken;

use super::plain;
use crate::Result;
use tegula_package::ErrorKind as Package;

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
    /// [`ErrorKind::Package`](crate::ErrorKind::Package) where it is not JSON of this form.
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
    pub(super) fn complete(&self, model: &mut plain::Model) -> tokenizers::Result<()> {
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
