//! A model's tokens, arranged as llguidance needs them, and the grammars that are compiled over them.

use std::sync::Arc;

use llguidance::ParserFactory;
use llguidance::api::{ParserLimits, TopLevelGrammar};
use llguidance::earley::SlicedBiasComputer;
use llguidance::toktrie::{InferenceCapabilities, TokEnv, TokRxInfo, TokTrie, TokenId, TokenizerEnv};

use crate::{Error, ErrorKind, Matcher, Result};

/// How a grammar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A JSON schema. llguidance's `x-guidance` member may say how the JSON is spaced.
    Json,
    /// llguidance's dialect of Lark.
    Lark,
    /// A regular expression, as Rust's crate `regex` has them; it must match the whole answer.
    Regex,
}

/// The tokens of a model.
pub struct Vocabulary {
    factory: ParserFactory,
}

/// The vocabulary for llguidance. Forced text is told as bytes and not as tokens, because the tokenizer is the runtime's.
struct Tokens(TokTrie);

impl TokenizerEnv for Tokens {
    fn tok_trie(&self) -> &TokTrie {
        &self.0
    }

    fn tokenize_bytes(&self, text: &[u8]) -> Vec<TokenId> {
        self.0.greedy_tokenize(text)
    }

    fn tokenize_is_canonical(&self) -> bool {
        false
    }
}

impl Vocabulary {
    /// Takes the bytes of all tokens, one behind the other, and how many each has, by id. A token without bytes is never allowed. Tokens of
    /// `special` are no text: a grammar must name them, as in `<[5]>`. Tokens of `ends` end an answer.
    ///
    /// # Errors
    /// [`ErrorKind::Vocabulary`] where `ends` is empty or names an id that is not there.
    pub fn new(bytes: &[u8], lengths: &[u32], special: &[u32], ends: &[u32]) -> Result<Vocabulary> {
        let missing = |end: Option<u32>| Error::from(ErrorKind::Vocabulary { tokens: lengths.len(), end });
        let first = *ends.first().ok_or_else(|| missing(None))?;
        if let Some(&end) = ends.iter().find(|&&end| end as usize >= lengths.len()) {
            return Err(missing(Some(end)));
        }
        let mut rest = bytes;
        let mut words = Vec::with_capacity(lengths.len());
        for &length in lengths {
            let (word, behind) = rest.split_at_checked(length as usize).ok_or_else(|| missing(None))?;
            words.push(word.to_vec());
            rest = behind;
        }
        for &id in special {
            if let Some(word) = words.get_mut(id as usize) {
                word.insert(0, TokTrie::SPECIAL_TOKEN_MARKER);
            }
        }
        let trie = TokTrie::from(&TokRxInfo::new(lengths.len() as u32, first), &words).with_eos_tokens(ends);
        let tokens: TokEnv = Arc::new(Tokens(trie));
        let failed = |error: anyhow::Error| Error::from(ErrorKind::Grammar { reason: error.to_string() });
        let slices = SlicedBiasComputer::general_slices();
        let mut factory = ParserFactory::new(&tokens, InferenceCapabilities::default(), &slices).map_err(failed)?;
        factory.quiet();
        // Errors shall say what is wrong with a grammar, and not repeat it.
        *factory.limits_mut() = ParserLimits { verbose_errors: false, ..ParserLimits::default() };
        Ok(Vocabulary { factory })
    }

    /// Compiles a grammar.
    ///
    /// # Errors
    /// [`ErrorKind::Grammar`] says what is wrong with it, or that it is too large.
    pub fn compile(&self, kind: Kind, text: &str) -> Result<Matcher> {
        let failed = |reason: String| Error::from(ErrorKind::Grammar { reason });
        let grammar = match kind {
            Kind::Json => TopLevelGrammar::from_json_schema(serde_json::from_str(text).map_err(|error| failed(error.to_string()))?),
            Kind::Lark => TopLevelGrammar::from_lark(text.to_owned()),
            Kind::Regex => TopLevelGrammar::from_regex(text),
        };
        let matcher = Matcher::new(llguidance::Matcher::new(self.factory.create_parser(grammar)));
        match matcher.error() {
            Some(reason) => Err(failed(reason)),
            None => Ok(matcher),
        }
    }
}
