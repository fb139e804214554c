//! Grammars that answers keep to.
//!
//! - A [`Grammar`] is a text: a JSON schema, Lark, or a regular expression. `schema`, `ebnf` and `tags` write it for what requests say in
//!   other ways.
//! - A [`Vocabulary`] compiles grammars over a model's tokens. `library` makes one of the crate `tegula-grammar`, natively; in a page it
//!   is a module of its own, which `module` calls.
//! - A [`Matcher`] follows one answer.
//! - [`Grammars`] keeps the vocabulary of a model and the grammars that were used last.

mod ebnf;
#[cfg(not(target_arch = "wasm32"))]
mod library;
#[cfg(target_arch = "wasm32")]
pub(crate) mod module;
mod recent;
mod schema;
mod tags;
mod tokens;

pub(crate) use recent::Grammars;
pub(crate) use schema::{json, literal};
pub(crate) use tokens::Tokens;

/// How a grammar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A JSON schema.
    Json,
    /// llguidance's dialect of Lark.
    Lark,
    /// A regular expression for the whole answer.
    Regex,
}

/// What an answer must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grammar {
    /// The field of the request that asks for it.
    pub field: &'static str,
    /// How the text is written.
    pub kind: Kind,
    /// The text.
    pub text: String,
}

/// Follows an answer, token by token. Its errors are reasons for people: following a grammar can be too much work.
pub(crate) trait Matcher: Portable {
    /// Takes the next token if it is allowed. Otherwise nothing changes.
    fn take(&mut self, token: u32) -> Result<bool, String>;

    /// Sets the bit of each token that may follow, 32 to a word. Those that end an answer are among them where it may end.
    fn mask(&mut self, words: &mut [u32]) -> Result<(), String>;

    /// The bytes that must follow, as far as there is no choice.
    fn forced(&mut self) -> Vec<u8>;

    /// Whether the answer may end here.
    fn may_end(&mut self) -> bool;

    /// Whether nothing can follow any more.
    fn ended(&self) -> bool;

    /// One that goes on from the same place by itself.
    fn copy(&self) -> Result<Box<dyn Matcher>, String>;
}

/// The tokens of a model, over which grammars are compiled.
pub(crate) trait Vocabulary: Portable {
    /// Compiles a grammar, or says what is wrong with it.
    fn compile(&self, grammar: &Grammar) -> Result<Box<dyn Matcher>, String>;
}

/// What can be sent between threads, where there are threads.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) trait Portable: Send {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send> Portable for T {}
/// What can be sent between threads, where there are threads.
#[cfg(target_arch = "wasm32")]
pub(crate) trait Portable {}
#[cfg(target_arch = "wasm32")]
impl<T> Portable for T {}
