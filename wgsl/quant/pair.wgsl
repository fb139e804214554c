// The lowest nibble of each half word, less the zero point: in the mantissa of 1024 it is so much more than it.
fn pair(word: u32) -> vec2<f16> {
    return vec2<f16>(unpack2x16float((word & 0x000f000fu) | 0x64006400u)) - vec2<f16>(1031.0h);
}
