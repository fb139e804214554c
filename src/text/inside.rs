//! The ids of a text in the middle of another.
//!
//! Some tokenizers put a space before everything that they read, as at the start of a text. Here the text is read behind another one, whose
//! ids are then left out.

use crate::Result;
use crate::text::detokenizer::token_bytes;
use crate::text::tokenizer::Tokenizer;

/// Texts to read it behind. The first leaves tokenizers alone that add nothing.
const BEFORE: [&str; 4] = ["", "\n", ".", "a"];

/// The ids of a text, special tokens among them, such that they spell it and nothing else. Nothing where the tokenizer joins its start to all
/// that may be before it.
///
/// # Errors
/// Those of [`Tokenizer::encode`].
pub(crate) fn encode_inside(tokenizer: &Tokenizer, text: &str) -> Result<Option<Vec<u32>>> {
    for before in BEFORE {
        let ids = tokenizer.encode(&format!("{before}{text}"), false)?;
        let mut spelt = Vec::new();
        let mut start = if before.is_empty() { Some(0) } else { None };
        for (place, &id) in ids.iter().enumerate() {
            if start.is_none() && spelt.strip_prefix(b" ").unwrap_or(&spelt) == before.as_bytes() {
                start = Some(place);
                spelt.clear();
            }
            spelt.extend(token_bytes(tokenizer, id));
        }
        if let Some(start) = start.filter(|_| spelt == text.as_bytes()) {
            return Ok(Some(ids[start..].to_vec()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tokenizer::tests::small;

    #[test]
    fn no_space_comes_before_a_text_that_goes_on() {
        let tokenizer = small("null", "{}");
        assert_eq!(tokenizer.encode("hi", false).unwrap(), [263]);
        assert_eq!(encode_inside(&tokenizer, "hi").unwrap().unwrap(), [261, 262]);
        assert_eq!(encode_inside(&tokenizer, " hi").unwrap().unwrap(), [263]);
        assert_eq!(encode_inside(&tokenizer, "</s>é").unwrap().unwrap().len(), 6);
        assert!(encode_inside(&tokenizer, "").unwrap().unwrap().is_empty());
    }
}
