//! How the tokens of a vocabulary spell text, read off the decoder of tokenizer.json.

use tokenizers::DecoderWrapper;

/// How a tokenizer's vocabulary spells text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Every character of a token stands for a byte, as in GPT-2.
    ByteLevel,
    /// SentencePiece: a mark stands for a space.
    Marked {
        /// The mark, `▁`.
        mark: char,
        /// Whether tokens such as `<0x0A>` stand for a byte.
        bytes: bool,
        /// How many spaces the text loses at its start.
        strip: usize,
        /// Whether the first token loses its marks.
        bare_first: bool,
    },
    /// Anything else: a window of tokens is decoded by the library.
    Windowed,
}

impl Scheme {
    pub(crate) fn of(decoder: Option<&DecoderWrapper>) -> Scheme {
        let Some(decoder) = decoder.and_then(|decoder| serde_json::to_value(decoder).ok()) else { return Scheme::Windowed };
        match decoder["decoders"].as_array() {
            Some(steps) => Scheme::of_steps(steps),
            None => Scheme::of_steps(std::slice::from_ref(&decoder)),
        }
        .unwrap_or(Scheme::Windowed)
    }

    /// The scheme of decoders applied in order, if it is one of those that work token by token.
    fn of_steps(steps: &[serde_json::Value]) -> Option<Scheme> {
        let (mut mark, mut bytes, mut strip, mut bare_first, mut fused) = (None, false, 0, false, false);
        for step in steps {
            match step["type"].as_str()? {
                "ByteLevel" if steps.len() == 1 => return Some(Scheme::ByteLevel),
                "ByteFallback" => bytes = true,
                "Fuse" => fused = true,
                "Replace" if mark.is_none() && step["content"] == " " => mark = Some(single(step["pattern"]["String"].as_str()?)?),
                "Metaspace" if mark.is_none() => {
                    mark = Some(single(step["replacement"].as_str()?)?);
                    bare_first = step["prepend_scheme"] != "never";
                }
                "Strip" if fused && step["content"] == " " && step["stop"] == 0 => {
                    strip += usize::try_from(step["start"].as_u64()?).ok()?
                }
                _ => return None,
            }
        }
        Some(Scheme::Marked { mark: mark?, bytes, strip, bare_first })
    }
}

fn single(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoders_that_work_token_by_token_are_known() {
        let scheme = |json: &str| {
            let decoder: DecoderWrapper = serde_json::from_str(json).unwrap();
            Scheme::of(Some(&decoder))
        };
        let byte_level = r#"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}"#;
        assert_eq!(scheme(byte_level), Scheme::ByteLevel);
        let replace = r#"{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}"#;
        let llama = format!(
            r#"{{"type": "Sequence", "decoders": [{replace}, {{"type": "ByteFallback"}}, {{"type": "Fuse"}},
            {{"type": "Strip", "content": " ", "start": 1, "stop": 0}}]}}"#
        );
        assert_eq!(scheme(&llama), Scheme::Marked { mark: '▁', bytes: true, strip: 1, bare_first: false });
        let t5 = r#"{"type": "Metaspace", "replacement": "▁", "add_prefix_space": true}"#;
        assert_eq!(scheme(t5), Scheme::Marked { mark: '▁', bytes: false, strip: 0, bare_first: true });
        assert_eq!(scheme(r###"{"type": "WordPiece", "prefix": "##", "cleanup": true}"###), Scheme::Windowed);
    }
}
