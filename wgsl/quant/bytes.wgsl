// 4-bit weights as int8, sixteen at a time, in the order of x as int8: of each word elements 0 2 4 6, then 1 3 5 7.

// Subtracts the zero point from four nibbles, each in a byte. The sign bits are set before, so that borrows stop there, and flipped
// afterwards.
fn less_zero_point(nibbles: u32) -> u32 {
    return ((nibbles | 0x80808080u) - 0x07070707u) ^ 0x80808080u;
}

fn weight_bytes(words: vec2u) -> vec4u {
    return vec4u(
        less_zero_point(words.x & 0x0f0f0f0fu), less_zero_point((words.x >> 4u) & 0x0f0f0f0fu),
        less_zero_point(words.y & 0x0f0f0f0fu), less_zero_point((words.y >> 4u) & 0x0f0f0f0fu),
    );
}
