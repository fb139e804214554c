//! Texts with a gap: what models were trained to fill ("fill in the middle").
//!
//! Such a model has tokens that say where the text before the gap begins, where that behind it does, and where the answer does. Their names
//! are those of StarCoder, and of others after it.

use crate::text::tokenizer::Tokenizer;
use crate::{ErrorKind, Result};

/// Tokens before the text that precedes the gap, before the text behind it, and before the answer.
const MARKS: [[&str; 3]; 6] = [
    // Qwen, CodeGemma.
    ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    // StarCoder, Granite, SmolLM.
    ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
    // SantaCoder.
    ["<fim-prefix>", "<fim-suffix>", "<fim-middle>"],
    // DeepSeek.
    ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    // CodeLlama.
    ["▁<PRE>", "▁<SUF>", "▁<MID>"],
    // GLM.
    ["<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"],
];

/// The ids of a prompt whose answer fills the gap.
///
/// # Errors
/// [`ErrorKind::UnsupportedField`] where the tokenizer has no tokens for that, [`ErrorKind::Tokenizer`].
pub(crate) fn infill(tokenizer: &Tokenizer, before: &str, after: &str) -> Result<Vec<u32>> {
    let all = |names: &[&str; 3]| names.iter().map(|name| tokenizer.id(name)).collect::<Option<Vec<u32>>>();
    let Some(marks) = MARKS.iter().find_map(all) else {
        let allowed = "used with a model that fills gaps: the tokenizer of this one has no tokens for them".into();
        let value = serde_json::Value::from(after).to_string();
        return Err(ErrorKind::UnsupportedField { field: "suffix".into(), value, allowed }.into());
    };
    let mut ids = tokenizer.encode("", true)?;
    ids.push(marks[0]);
    ids.extend(tokenizer.encode(before, false)?);
    ids.push(marks[1]);
    ids.extend(tokenizer.encode(after, false)?);
    ids.push(marks[2]);
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tokenizer::tests::{load, shared, small};

    #[test]
    fn the_marks_of_the_tokenizer_frame_both_texts() {
        let Some(folder) = shared("tokenizers/qwen2.5") else { return };
        let tokenizer = load(&folder);
        let ids = infill(&tokenizer, "fn main() {", "}").unwrap();
        let text = |text: &str| tokenizer.encode(text, false).unwrap();
        let whole = text("<|fim_prefix|>fn main() {<|fim_suffix|>}<|fim_middle|>");
        assert_eq!(ids, whole);
    }

    #[test]
    fn a_model_that_fills_no_gaps_is_named() {
        let error = infill(&small("null", "{}"), "a", "b").unwrap_err();
        assert_eq!(error.code(), "UnsupportedFieldsError");
        assert!(error.to_string().contains("suffix"), "{error}");
    }
}
