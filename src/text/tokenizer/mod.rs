//! Text to ids and back, by a package's `tokenizer.json` and `tokenizer_config.json`.
//!
//! Ids are those of Hugging Face's Python library. The post-processor of tokenizer.json adds its tokens, and `tokenizer_config.json`
//! overrules it where that library lets it (see [`Tokenizer::encode`]). Decoding goes token by token through [`crate::text::detokenizer`].

mod charsmap;
mod config;
mod length;
mod literal;
mod merges;
mod plain;
mod scheme;
mod sound;

pub use config::{ChatTemplates, NamedTemplate, SpecialToken, TokenProperties, TokenizerConfig};
pub(crate) use literal::Literals;
pub(crate) use scheme::Scheme;

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

    /// The ids that are no text, in order.
    pub(crate) fn special(&self) -> &[u32] {
        &self.special
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
