//! The vocabulary of a model, and the grammars that requests used last.
//!
//! Requests tend to repeat their schema, and the answers to one prompt share it. What a compiled grammar has worked out serves all that use
//! it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Grammar, Matcher, Tokens, Vocabulary};
use crate::{Error, ErrorKind, Result};

/// Grammars that are kept.
const KEPT: usize = 16;

/// Compiles grammars for a model.
#[derive(Default)]
pub(crate) struct Grammars(Mutex<State>);

#[derive(Default)]
struct State {
    vocabulary: Option<Box<dyn Vocabulary>>,
    /// The one that was used last is last.
    recent: Vec<(Grammar, Box<dyn Matcher>)>,
}

impl Grammars {
    /// A panic while this is held leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the vocabulary in a module, in the place of an earlier one.
    ///
    /// # Errors
    /// [`ErrorKind::Grammar`] where the module fails.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn set(&self, module: &super::module::GrammarModule, tokens: &Tokens) -> Result<()> {
        let failed = |reason: String| Error::from(ErrorKind::Grammar { field: "response_format", reason });
        let vocabulary = Some(super::module::vocabulary(module, tokens).map_err(failed)?);
        *self.state() = State { vocabulary, recent: Vec::new() };
        Ok(())
    }

    /// Whether there is a vocabulary.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn ready(&self) -> bool {
        self.state().vocabulary.is_some()
    }

    /// A matcher at the beginning of an answer. The first call makes the vocabulary from `tokens`.
    ///
    /// # Errors
    /// [`ErrorKind::Grammar`] where the grammar cannot be compiled.
    pub(crate) fn matcher(&self, grammar: &Grammar, tokens: impl FnOnce() -> Tokens) -> Result<Box<dyn Matcher>> {
        let failed = |reason: String| Error::from(ErrorKind::Grammar { field: grammar.field, reason });
        let mut state = self.state();
        let State { vocabulary, recent } = &mut *state;
        let vocabulary = match vocabulary {
            Some(vocabulary) => vocabulary,
            None => vocabulary.insert(make(tokens()).map_err(failed)?),
        };
        let known = match recent.iter().position(|(known, _)| known == grammar) {
            Some(place) => recent.remove(place),
            None => (grammar.clone(), vocabulary.compile(grammar).map_err(failed)?),
        };
        let matcher = known.1.copy().map_err(failed)?;
        recent.push(known);
        if recent.len() > KEPT {
            recent.remove(0);
        }
        Ok(matcher)
    }
}

/// Makes a vocabulary natively.
#[cfg(not(target_arch = "wasm32"))]
fn make(tokens: Tokens) -> Result<Box<dyn Vocabulary>, String> {
    super::library::vocabulary(&tokens)
}

/// In a page the module must have been given before.
#[cfg(target_arch = "wasm32")]
fn make(_: Tokens) -> Result<Box<dyn Vocabulary>, String> {
    Err("the grammar module is not loaded".into())
}
