//! The vocabulary and merges of tokenizer.json, as far as the tokenizers library trusts them.
//!
//! It panics on a merge of two tokens that together are longer than every token, and on one whose
//! second token is shorter than the prefix that it should begin with. Only lengths are read here:
//! files have hundreds of thousands of tokens.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use super::length::Length;

/// Facts about a vocabulary.
#[derive(Default)]
pub(super) struct Vocab {
    /// Bytes of its longest token.
    longest: usize,
    /// Its greatest id.
    greatest: u32,
    /// It is a list with scores, which the library keeps as a tree.
    is_tree: bool,
}

impl Vocab {
    /// The tree has a level for each byte, and to drop it takes some stack for each.
    const DEEPEST: usize = 1024;

    pub(super) fn check(&self) -> Result<(), String> {
        if self.greatest > i32::MAX as u32 {
            return Err(format!("model: an id of its vocab is {}, far beyond the number of its tokens", self.greatest));
        }
        if self.is_tree && self.longest > Self::DEEPEST {
            return Err(format!("model: a token of its vocab has {} bytes; at most {} can be", self.longest, Self::DEEPEST));
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Vocab {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Vocab;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a vocabulary")
            }

            fn visit_unit<E>(self) -> Result<Vocab, E> {
                Ok(Vocab::default())
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Vocab, A::Error> {
                let mut vocab = Vocab::default();
                while let Some((Length(length), id)) = map.next_entry::<Length, u32>()? {
                    vocab.longest = vocab.longest.max(length);
                    vocab.greatest = vocab.greatest.max(id);
                }
                Ok(vocab)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Vocab, A::Error> {
                let mut vocab = Vocab { is_tree: true, ..Vocab::default() };
                while let Some((Length(length), _)) = list.next_element::<(Length, f64)>()? {
                    vocab.longest = vocab.longest.max(length);
                }
                Ok(vocab)
            }
        }
        from.deserialize_any(Visitor)
    }
}

/// Facts about merges.
pub(super) struct Merges {
    /// Bytes of both tokens of a merge, at most.
    longest: usize,
    /// Bit n: every second token has a character that begins at byte n, or ends there.
    ends: u64,
}

impl Default for Merges {
    fn default() -> Self {
        Merges { longest: 0, ends: u64::MAX }
    }
}

impl Merges {
    /// `prefix` is what all tokens begin with that do not begin a word.
    pub(super) fn check(&self, prefix: &str, vocab: &Vocab) -> Result<(), String> {
        if u32::try_from(prefix.len()).ok().and_then(|end| self.ends.checked_shr(end)).is_none_or(|ends| ends & 1 == 0) {
            return Err(format!("model: the second token of a merge does not begin with the prefix {prefix:?}"));
        }
        let merged = self.longest.saturating_sub(prefix.len());
        if merged > vocab.longest {
            return Err(format!(
                "model: a merge makes a token of {merged} bytes, and the longest token of its vocab has {}",
                vocab.longest
            ));
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Merges {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Merges;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("merges")
            }

            fn visit_unit<E>(self) -> Result<Merges, E> {
                Ok(Merges::default())
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Merges, A::Error> {
                let mut merges = Merges::default();
                while let Some(Merge { first, ends, second }) = list.next_element()? {
                    merges.longest = merges.longest.max(first + second);
                    merges.ends &= ends;
                }
                Ok(merges)
            }
        }
        from.deserialize_any(Visitor)
    }
}

/// A merge: two tokens, or a text with a space between them.
struct Merge {
    first: usize,
    second: usize,
    ends: u64,
}

impl Merge {
    fn of(first: usize, second: &str) -> Merge {
        let ends = (0..u64::BITS as usize).filter(|&end| second.is_char_boundary(end));
        Merge { first, second: second.len(), ends: ends.fold(0, |ends, end| ends | 1 << end) }
    }
}

impl<'de> Deserialize<'de> for Merge {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Merge;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a merge of two tokens")
            }

            fn visit_str<E>(self, text: &str) -> Result<Merge, E> {
                // The first line of a merges.txt, which is no merge.
                if text.starts_with("#version") {
                    return Ok(Merge { first: 0, second: 0, ends: u64::MAX });
                }
                let (first, second) = text.split_once(' ').unwrap_or((text, ""));
                Ok(Merge::of(first.len(), second))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut pair: A) -> Result<Merge, A::Error> {
                let Length(first) = pair.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
                let second: String = pair.next_element()?.ok_or_else(|| de::Error::invalid_length(1, &self))?;
                Ok(Merge::of(first, &second))
            }
        }
        from.deserialize_any(Visitor)
    }
}
