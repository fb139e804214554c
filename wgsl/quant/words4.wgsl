// Packed weights, read four words (a group) at a time.
@group(0) @binding(1) var<storage, read> weights: array<vec4u>;

fn packed_words(row: u32, piece: u32) -> array<u32, 4> {
    let w = weights[row * GROUPS + piece];
    return array<u32, 4>(w.x, w.y, w.z, w.w);
}

// Word `i` of a row.
fn word(row: u32, i: u32) -> u32 {
    return weights[row * GROUPS + i / 4u][i % 4u];
}
