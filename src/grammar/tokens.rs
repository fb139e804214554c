//! The tokens of a model as a vocabulary needs them. `text::vocabulary` fills them in, which knows tokenizers.

/// Bytes and kinds of all tokens.
pub(crate) struct Tokens {
    /// The bytes of all tokens, one behind the other.
    pub(crate) bytes: Vec<u8>,
    /// How many each has, by id. Ids that stand for nothing have none.
    pub(crate) lengths: Vec<u32>,
    /// Ids that are no text.
    pub(crate) special: Vec<u32>,
    /// Ids that end an answer.
    pub(crate) ends: Vec<u32>,
}
