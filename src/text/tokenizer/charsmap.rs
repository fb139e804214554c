//! SentencePiece's `precompiled_charsmap`: a tree of rewrites in two arrays (Darts-clone), and the
//! texts that it leads to. The library that follows it trusts every index in it.

/// A position has at most so many bytes of a character or cluster before it.
const DEEPEST: usize = 5;

/// Whether no text can lead the library out of the map.
pub(super) fn check(base64: &str) -> Result<(), String> {
    let bytes = decode(base64).ok_or("precompiled_charsmap is no base64")?;
    let damaged = |what: &str| Err(format!("precompiled_charsmap is damaged: {what}"));
    let Some((size, rest)) = bytes.split_first_chunk().map(|(size, rest)| (u32::from_le_bytes(*size) as usize, rest)) else {
        return damaged("it is empty");
    };
    let Some((tree, texts)) = rest.split_at_checked(size / 4 * 4).filter(|(tree, _)| !tree.is_empty()) else {
        return damaged("its tree is not whole");
    };
    let Ok(texts) = std::str::from_utf8(texts) else { return damaged("its texts are no UTF-8") };
    let tree: Vec<usize> = tree.as_chunks().0.iter().map(|unit| u32::from_le_bytes(*unit) as usize).collect();
    let mut known = vec![false; tree.len()];
    let mut places = vec![offset(tree[0])];
    for _ in 0..DEEPEST {
        let mut next = Vec::new();
        for (place, byte) in places.iter().flat_map(|&place| (1..=255).map(move |byte| (place ^ byte, byte))) {
            let Some(&unit) = tree.get(place) else { return damaged("its tree leads out of itself") };
            if label(unit) != byte {
                continue;
            }
            let after = place ^ offset(unit);
            if unit >> 8 & 1 == 1 {
                let text = tree.get(after).map(|unit| unit & ((1 << 31) - 1));
                if !text.is_some_and(|start| texts.is_char_boundary(start)) {
                    return damaged("its tree leads to no text");
                }
            }
            if !std::mem::replace(&mut known[place], true) {
                next.push(after);
            }
        }
        places = next;
    }
    Ok(())
}

/// The bytes of base64 with its padding. No crate is worth so few lines, and one that takes more
/// than the library does would let it panic.
fn decode(base64: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits = base64.strip_suffix("==").or_else(|| base64.strip_suffix('=')).unwrap_or(base64);
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for group in digits.as_bytes().chunks(4) {
        let mut bits = 0u32;
        for (place, byte) in group.iter().enumerate() {
            bits |= u32::from(digit(*byte)?) << (26 - 6 * place);
        }
        let whole = group.len() * 6 / 8;
        // What is left over is zero.
        if bits << (8 * whole) != 0 {
            return None;
        }
        bytes.extend(&bits.to_be_bytes()[..whole]);
    }
    (base64.len().is_multiple_of(4) && digits.len() % 4 != 1).then_some(bytes)
}

/// What the place of a unit is combined with for that of its children.
fn offset(unit: usize) -> usize {
    (unit >> 10) << ((unit & (1 << 9)) >> 6)
}

fn label(unit: usize) -> usize {
    unit & (1 << 31 | 0xff)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn what_is_taken_for_base64_is_that_to_the_library_too() {
        for bytes in [&b""[..], b"a", b"ab", b"abc", b"\xff\xfe\xfd\xfc", b"\x00\x10\x83\x10\x51\x87\x20\x92\x8b"] {
            let text = base64::encode(bytes);
            assert_eq!((decode(&text), base64::decode(&text).ok()), (Some(bytes.to_vec()), Some(bytes.to_vec())));
        }
        for text in ["A", "AA", "AAA", "AB==", "AAB=", "A===", "====", "AA=A", "AAA=AAAA", "AA-_", "AA\n=", " AAA", "é"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
