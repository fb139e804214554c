//! Lengths of strings in JSON that is read for nothing else.

use serde::{Deserialize, de};

/// A string's length, without a copy of it.
pub(super) struct Length(pub usize);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Length;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Length, E> {
                Ok(Length(text.len()))
            }
        }
        from.deserialize_str(Visitor)
    }
}
