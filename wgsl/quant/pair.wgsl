// Two nibbles of a word, one from each half word, less the zero point. A nibble in the lowest bits of the mantissa of 1024 makes 1024 plus
// the nibble. Four bits further up in the mantissa of 64 it makes 64 plus the nibble. All four pairs of a word take one shift.

// Bits 0 to 3 of each half word.
fn low_pair(word: u32) -> vec2<f16> {
    return vec2<f16>(unpack2x16float((word & 0x000f000fu) | 0x64006400u)) - vec2<f16>(1031.0h);
}

// Bits 4 to 7 of each half word.
fn high_pair(word: u32) -> vec2<f16> {
    return vec2<f16>(unpack2x16float((word & 0x00f000f0u) | 0x54005400u)) - vec2<f16>(71.0h);
}
