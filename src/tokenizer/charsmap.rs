//! SentencePiece's `precompiled_charsmap`: a tree of rewrites in two arrays (Darts-clone), and the
//! texts that it leads to. The library that follows it trusts every index in it.

/// A position has at most so many bytes of a character or cluster before it.
const DEEPEST: usize = 5;

/// Whether no text can lead the library out of the map.
pub(super) fn check(base64: &str) -> Result<(), String> {
    let bytes = base64::decode(base64).map_err(|error| format!("precompiled_charsmap is no base64: {error}"))?;
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

/// What the place of a unit is combined with for that of its children.
fn offset(unit: usize) -> usize {
    (unit >> 10) << ((unit & (1 << 9)) >> 6)
}

fn label(unit: usize) -> usize {
    unit & (1 << 31 | 0xff)
}
