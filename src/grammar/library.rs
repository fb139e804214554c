//! The crate `tegula-grammar`, as the runtime uses it natively.

use super::{Grammar, Kind, Matcher, Tokens, Vocabulary};
use crate::{Error, ErrorKind};

/// Makes a vocabulary.
pub(crate) fn vocabulary(tokens: &Tokens) -> Result<Box<dyn Vocabulary>, String> {
    let made = tegula_grammar::Vocabulary::new(&tokens.bytes, &tokens.lengths, &tokens.special, &tokens.ends);
    Ok(Box::new(Library(made.map_err(told)?)))
}

impl Grammar {
    /// Compiles it for a model whose tokens are single bytes. What is wrong with it is so known before a model is there.
    ///
    /// # Errors
    /// [`ErrorKind::Grammar`] says what is wrong.
    pub fn check(&self) -> Result<(), Error> {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        // The last token ends an answer, and says nothing.
        let end = bytes.len() as u32;
        let lengths: Vec<u32> = bytes.iter().map(|_| 1).chain([0]).collect();
        let tokens = Tokens { bytes, lengths, special: vec![end], ends: vec![end] };
        let compiled = vocabulary(&tokens).and_then(|vocabulary| vocabulary.compile(self).map(drop));
        compiled.map_err(|reason| ErrorKind::Grammar { field: self.field, reason }.into())
    }
}

fn told(error: tegula_grammar::Error) -> String {
    error.to_string()
}

struct Library(tegula_grammar::Vocabulary);

impl Vocabulary for Library {
    fn compile(&self, grammar: &Grammar) -> Result<Box<dyn Matcher>, String> {
        let kind = match grammar.kind {
            Kind::Json => tegula_grammar::Kind::Json,
            Kind::Lark => tegula_grammar::Kind::Lark,
            Kind::Regex => tegula_grammar::Kind::Regex,
        };
        Ok(Box::new(Follower(self.0.compile(kind, &grammar.text).map_err(told)?)))
    }
}

struct Follower(tegula_grammar::Matcher);

impl Matcher for Follower {
    fn take(&mut self, token: u32) -> Result<bool, String> {
        self.0.take(token).map_err(told)
    }

    fn mask(&mut self, words: &mut [u32]) -> Result<(), String> {
        self.0.mask(words).map_err(told)
    }

    fn forced(&mut self) -> Vec<u8> {
        self.0.forced()
    }

    fn may_end(&mut self) -> bool {
        self.0.may_end()
    }

    fn ended(&self) -> bool {
        self.0.ended()
    }

    fn copy(&self) -> Result<Box<dyn Matcher>, String> {
        Ok(Box::new(Follower(self.0.clone())))
    }
}
