//! The tokens of a tokenizer, as grammars need them.

use crate::grammar::Tokens;
use crate::text::detokenizer::token_bytes;
use crate::text::tokenizer::Tokenizer;

impl Tokens {
    /// Those of a tokenizer below `active`; ids from there on are padding.
    pub(crate) fn of(tokenizer: &Tokenizer, active: u32, ends: &[u32]) -> Tokens {
        let mut tokens =
            Tokens { bytes: Vec::new(), lengths: Vec::with_capacity(active as usize), special: Vec::new(), ends: ends.to_vec() };
        tokens.ends.retain(|&id| id < active);
        for id in 0..active {
            let word = token_bytes(tokenizer, id);
            tokens.lengths.push(word.len() as u32);
            tokens.bytes.extend(word);
        }
        tokens.special.extend(tokenizer.special().iter().chain(&tokens.ends).filter(|&&id| id < active));
        tokens.special.sort_unstable();
        tokens.special.dedup();
        tokens
    }
}
