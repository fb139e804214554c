//! Text of a conversation that spells a special token stays text: `<|im_end|>` in a message does not end its turn.
//!
//! A template joins what people wrote with special tokens of its own. In the rendered text the two cannot be told apart. So before
//! rendering, the first character of each special token in a message, a tool or a variable is replaced by a stand-in: a character that
//! occurs nowhere in the conversation and that Unicode gives no meaning. Templates see texts of the same length. Special tokens in the
//! rendered text are then the template's own. They become tokens that no text can spell, and the stand-ins become what they were. Then the
//! whole text is encoded at once, with special tokens as text (`split_special_tokens` in Python). So text behind a special token is merged
//! and marked as always. Nearly all conversations spell no special token; these are rendered and encoded as they are.

use std::ops::{Range, RangeInclusive};

use serde_json::Value;
use tokenizers::tokenizer::{Model, OffsetType, PreTokenizer};
use tokenizers::{AddedToken, OffsetReferential};

use super::Tokenizer;
use crate::{ErrorKind, Result};

/// What of a conversation stands in for special tokens that are text.
pub(crate) struct Literals<'a> {
    tokenizer: &'a Tokenizer,
    /// First characters of special tokens, and what stands in for them.
    stand_ins: Vec<(char, char)>,
}

impl<'a> Literals<'a> {
    pub fn new(tokenizer: &'a Tokenizer) -> Literals<'a> {
        Literals { tokenizer, stand_ins: Vec::new() }
    }

    /// Disguises every special token in the texts and keys of a value. All of a conversation is one value, since no stand-in may occur in it.
    pub fn disguise(&mut self, value: &mut Value) {
        let mut spelled = false;
        each_text(value, &mut |text| spelled = spelled || !self.spelled(text).is_empty());
        if !spelled {
            return;
        }
        let mut used = Vec::new();
        each_text(value, &mut |text| used.extend(free(text)));
        let mut unused = unused(used);
        replace_texts(value, &mut |text| self.disguise_text(text, &mut unused));
    }

    fn disguise_text(&mut self, text: &mut String, unused: &mut impl Iterator<Item = char>) {
        loop {
            let found = self.spelled(text);
            if found.is_empty() {
                return;
            }
            for (range, _) in found.into_iter().rev() {
                let first = text[range.clone()].chars().next().expect("a token is not empty");
                if self.stand_ins.iter().any(|(_, stand_in)| *stand_in == first) {
                    // A normalizer that sees the token all the same: nothing more can be done.
                    return;
                }
                let stand_in = of(&mut self.stand_ins, first, unused);
                text.replace_range(range.start..range.start + first.len_utf8(), stand_in.encode_utf8(&mut [0; 4]));
            }
            // What is left of a longer token may hold a shorter one.
        }
    }

    /// The ids of a rendered conversation. Stand-ins that it holds are text again.
    pub fn encode(&self, rendered: &str) -> Result<Vec<u32>> {
        let real = |char: char| self.stand_ins.iter().find(|(_, stand_in)| *stand_in == char).map(|(real, _)| *real);
        if self.stand_ins.is_empty() || !rendered.chars().any(|char| real(char).is_some()) {
            return self.tokenizer.encode(rendered, false);
        }
        let failed = |error: tokenizers::Error| ErrorKind::Tokenizer { reason: format!("encoding: {error}") };
        let model = &self.tokenizer.model;
        let mut unused = unused(free(rendered).collect());
        // The template's own tokens, by id, and what takes their place.
        let mut own: Vec<(u32, char)> = Vec::new();
        let mut text = String::with_capacity(rendered.len());
        let mut end = 0;
        let plain = |part: &str, text: &mut String| text.extend(part.chars().map(|char| real(char).unwrap_or(char)));
        for (range, id) in self.spelled(rendered) {
            plain(&rendered[end..range.start], &mut text);
            text.push(of(&mut own, id, &mut unused));
            end = range.end;
        }
        plain(&rendered[end..], &mut text);
        let mut vocabulary = model.get_added_vocabulary().clone();
        vocabulary.set_encode_special_tokens(true);
        let known = vocabulary.get_added_tokens_decoder();
        let token =
            |(id, place): &(u32, char)| AddedToken { content: (*place).into(), special: false, normalized: false, ..known[id].clone() };
        let tokens: Vec<AddedToken> = own.iter().map(token).collect();
        vocabulary.add_tokens(tokens, model.get_model(), model.get_normalizer()).map_err(failed)?;
        let id_of = |place: &char| vocabulary.token_to_id(&place.to_string(), model.get_model());
        let ids: Vec<(u32, u32)> = own.iter().filter_map(|(id, place)| Some((id_of(place)?, *id))).collect();
        // What the library's own encoding does, with this vocabulary.
        let mut pieces = vocabulary.extract_and_normalize(model.get_normalizer(), &text);
        if let Some(pre_tokenizer) = model.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut pieces).map_err(failed)?;
        }
        model.get_model().tokenize_in_pretokenized(&mut pieces, None).map_err(failed)?;
        let encoding = pieces.into_encoding(None, 0, OffsetType::None).map_err(failed)?;
        let encoding = model.post_process(encoding, None, false).map_err(failed)?;
        let named = |id: &u32| ids.iter().find(|(place, _)| place == id).map_or(*id, |(_, own)| *own);
        Ok(encoding.get_ids().iter().map(named).collect())
    }

    /// Where a text spells special tokens, and which.
    fn spelled(&self, text: &str) -> Vec<(Range<usize>, u32)> {
        let model = &self.tokenizer.model;
        // Only tokens that are looked for in normalized text need it.
        let normalizer = model.get_normalizer().filter(|_| self.tokenizer.finds_normalized).map(|steps| &steps.0);
        let pieces = model.get_added_vocabulary().extract_and_normalize(normalizer, text);
        let token = |((start, end), id): ((usize, usize), u32)| {
            // Some tokens take white space beside them along.
            let whole = &text[start..end];
            let blank = whole.len() - whole.trim_start().len();
            // One that is nothing but white space is found where it starts.
            let first = model.id_to_token(id).and_then(|token| whole.find(&token)).unwrap_or(blank % whole.len());
            (start + first..end, id)
        };
        let splits = pieces.get_splits(OffsetReferential::Original, OffsetType::Byte).into_iter();
        splits
            .filter_map(|(_, offsets, tokens)| Some((offsets, tokens.as_ref()?.first()?.id)))
            .filter(|&((start, end), id)| start < end && self.tokenizer.is_special(id))
            .map(token)
            // One that takes white space along may reach into the next.
            .scan(0, |end, (range, id)| Some((range.start >= *end).then(|| (*end = range.end, (range, id)).1)))
            .flatten()
            .collect()
    }
}

const ENOUGH: &str = "there are more characters for private use than a conversation has";

/// The character that is for a key. There are few.
fn of<K: PartialEq>(chars: &mut Vec<(K, char)>, key: K, unused: &mut impl Iterator<Item = char>) -> char {
    if let Some((_, char)) = chars.iter().find(|(known, _)| *known == key) {
        return *char;
    }
    let char = unused.next().expect(ENOUGH);
    chars.push((key, char));
    char
}

/// Characters that Unicode keeps free of meaning, then those for private use.
const FREE: [RangeInclusive<char>; 2] = ['\u{fdd0}'..='\u{fdef}', '\u{f0000}'..='\u{10fffd}'];

/// Which of them a text has all the same.
fn free(text: &str) -> impl Iterator<Item = u32> {
    text.chars().filter(|char| FREE.iter().any(|range| range.contains(char))).map(u32::from)
}

/// Those that are left.
fn unused(mut used: Vec<u32>) -> impl Iterator<Item = char> {
    used.sort_unstable();
    FREE.into_iter().flatten().filter(move |char| used.binary_search(&u32::from(*char)).is_err())
}

fn each_text(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, see)),
        Value::Object(members) => members.iter().for_each(|(key, member)| {
            see(key);
            each_text(member, see);
        }),
        _ => {}
    }
}

fn replace_texts(value: &mut Value, replace: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => replace(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_texts(item, replace)),
        Value::Object(members) => {
            *members = std::mem::take(members)
                .into_iter()
                .map(|(mut key, mut member)| {
                    replace(&mut key);
                    replace_texts(&mut member, replace);
                    (key, member)
                })
                .collect();
        }
        _ => {}
    }
}

#[cfg(test)]
#[path = "literal_tests.rs"]
mod tests;
