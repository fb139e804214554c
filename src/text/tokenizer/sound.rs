//! What the tokenizers library would panic on: it is found here first, and said in words.
//!
//! That library takes much of tokenizer.json on trust. In a page a panic ends the whole runtime,
//! so each of its panics that a file can cause has a check: [`file`] runs before the library reads
//! the file, [`parts`] looks at what it has read. `fuzz/` searches for more.

use serde::Deserialize;
use serde_json::Value;

use super::charsmap;
use super::merges::{Merges, Vocab};
use super::plain::Model as Tokenizer;

/// The members that the library must not meet unseen. The rest it refuses itself.
#[derive(Deserialize)]
struct File {
    /// Only read: the library panics on JSON that ends or breaks in it.
    #[serde(default, rename = "decoder")]
    _decoder: Value,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    model: Model,
}

#[derive(Default, Deserialize)]
struct Model {
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    vocab: Vocab,
    #[serde(default)]
    merges: Merges,
}

/// Checks tokenizer.json before the library reads it.
pub(super) fn file(json: &[u8]) -> Result<(), String> {
    let File { normalizer, model, .. } = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    each(&normalizer, &mut |object| match object.get("precompiled_charsmap") {
        Some(Value::String(base64)) => charsmap::check(base64).map_err(|reason| format!("normalizer: {reason}")),
        None if object.get("type").is_none_or(|kind| kind != "Precompiled") => Ok(()),
        _ => Err("normalizer: Precompiled without the text precompiled_charsmap".into()),
    })?;
    model.vocab.check()?;
    model.merges.check(model.continuing_subword_prefix.as_deref().unwrap_or_default(), &model.vocab)
}

/// Checks what the library has read: it would panic on a text or on ids.
pub(super) fn parts(tokenizer: &Tokenizer) -> Result<(), String> {
    let mut templates = 0;
    each(&json(tokenizer.get_post_processor()), &mut |object| {
        let (Some(single), Some(tokens)) = (object.get("single"), object.get("special_tokens")) else { return Ok(()) };
        templates += 1;
        if templates > 1 {
            return Err("post_processor: one TemplateProcessing follows another".into());
        }
        single.as_array().into_iter().flatten().try_for_each(|piece| match &piece["SpecialToken"]["id"] {
            Value::String(id) if tokens.get(id).is_none() => {
                Err(format!("post_processor: its template names {id:?}, which is not among its special_tokens"))
            }
            _ if piece["Sequence"]["id"] == "B" => Err("post_processor: its template for a single text names a second text, $B".into()),
            _ => Ok(()),
        })
    })?;
    each(&json(tokenizer.get_pre_tokenizer()), &mut |object| match object.get("length") {
        Some(length) if *length == 0 => Err("pre_tokenizer: FixedLength cuts a text into pieces of length 0".into()),
        _ => Ok(()),
    })?;
    each(&json(tokenizer.get_decoder()), &mut |object| match object.get("stop") {
        Some(stop) if *stop != 0 => Err(format!("decoder: Strip takes {stop} characters off the end of tokens, which may have fewer")),
        _ => Ok(()),
    })?;
    let added = tokenizer.get_added_vocabulary().get_added_tokens_decoder();
    let mut greedy: Vec<&str> = added
        .values()
        .filter(|token| token.lstrip && token.content.starts_with(char::is_whitespace))
        .map(|token| token.content.as_str())
        .collect();
    greedy.sort_unstable();
    match greedy.first() {
        Some(token) if added.values().any(|token| token.rstrip) => {
            Err(format!("added_tokens: {token:?} takes the spaces before it (lstrip), and another one those behind it"))
        }
        _ => Ok(()),
    }
}

/// A part as JSON, in its present form whatever the file's was.
fn json(part: Option<&impl serde::Serialize>) -> Value {
    part.and_then(|part| serde_json::to_value(part).ok()).unwrap_or_default()
}

type Object = serde_json::Map<String, Value>;

/// Calls `check` with each object of a value, the outer first.
fn each(value: &Value, check: &mut impl FnMut(&Object) -> Result<(), String>) -> Result<(), String> {
    match value {
        Value::Object(object) => {
            check(object)?;
            object.values().try_for_each(|value| each(value, check))
        }
        Value::Array(values) => values.iter().try_for_each(|value| each(value, check)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "sound_tests.rs"]
mod tests;
