// 4-bit weights in groups of 32 along K, eight a word, lowest bits first, zero point 7; half-precision scales, two a word.
#import lib/shape

const GROUPS: u32 = (K + 31u) / 32u;

#import quant/words4
@group(0) @binding(2) var<storage, read> scales: array<u32>;

fn group_scale(row: u32, group: u32) -> f32 {
    let at = row * GROUPS + group;
    return unpack2x16float(scales[at / 2u])[at & 1u];
}

#import quant/q4
