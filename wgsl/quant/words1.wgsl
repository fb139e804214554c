// Packed weights, read word by word.
@group(0) @binding(1) var<storage, read> weights: array<u32>;

fn packed_words(row: u32, piece: u32) -> array<u32, 1> {
    return array<u32, 1>(weights[row * GROUPS * 4u + piece]);
}

// Word `i` of a row.
fn word(row: u32, i: u32) -> u32 {
    return weights[row * GROUPS * 4u + i];
}
