// Packed weights, read two words (half a group) at a time.
@group(0) @binding(1) var<storage, read> weights: array<vec2u>;

fn packed_words(row: u32, piece: u32) -> array<u32, 2> {
    let w = weights[row * GROUPS * 2u + piece];
    return array<u32, 2>(w.x, w.y);
}

// Word `i` of a row.
fn word(row: u32, i: u32) -> u32 {
    return weights[row * GROUPS * 2u + i / 2u][i % 2u];
}
