// 4-bit weights as signed bytes, sixteen at a time, in the order of x as bytes: of each word elements 0 2 4 6, then 1 3 5 7.

// Nibbles that lie in bytes, less the zero point. Borrows stop at the sign bits, which are set for it and turned over afterwards.
fn less_zero_point(nibbles: u32) -> u32 {
    return ((nibbles | 0x80808080u) - 0x07070707u) ^ 0x80808080u;
}

fn weight_bytes(words: vec2u) -> vec4u {
    return vec4u(
        less_zero_point(words.x & 0x0f0f0f0fu), less_zero_point((words.x >> 4u) & 0x0f0f0f0fu),
        less_zero_point(words.y & 0x0f0f0f0fu), less_zero_point((words.y >> 4u) & 0x0f0f0f0fu),
    );
}
