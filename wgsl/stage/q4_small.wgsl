// Eight 4-bit weights for a tile of halves, without their scale and divided by 64, in the order of stage/eight.
//
// A nibble in the lowest bits of the mantissa of 1024 makes 1024 plus the nibble. Four bits further up it makes 1024 plus 16 times the
// nibble. A single multiply-add makes a weight of either, and is exact.
#import stage/eight

fn lowest(word: u32) -> vec2<f16> {
    return fma(vec2<f16>(unpack2x16float((word & 0x000f000fu) | 0x64006400u)), vec2<f16>(0.015625h), vec2<f16>(-16.109375h));
}

fn next(word: u32) -> vec2<f16> {
    return fma(vec2<f16>(unpack2x16float((word & 0x00f000f0u) | 0x64006400u)), vec2<f16>(0.0009765625h), vec2<f16>(-1.109375h));
}

fn small8(word: u32) -> Eight {
    return Eight(vec4<f16>(lowest(word), next(word)), vec4<f16>(lowest(word >> 8u), next(word >> 8u)));
}
