//! The crate `tegula-grammar`, as the runtime uses it natively.

use super::{Grammar, Kind, Matcher, Tokens, Vocabulary};

/// Makes a vocabulary.
pub(crate) fn vocabulary(tokens: &Tokens) -> Result<Box<dyn Vocabulary>, String> {
    let made = tegula_grammar::Vocabulary::new(&tokens.bytes, &tokens.lengths, &tokens.special, &tokens.ends);
    Ok(Box::new(Library(made.map_err(told)?)))
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
