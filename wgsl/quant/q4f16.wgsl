// 4-bit weights in groups of 32 along K, eight a word, lowest bits first, zero point 7; half-precision scales, two a word.
#import lib/shape

const GROUPS: u32 = (K + 31u) / 32u;

#import quant/words4
@group(0) @binding(2) var<storage, read> scales: array<u32>;

fn fetch_scale(row: u32, group: u32) -> u32 {
    return scales[(row * GROUPS + group) / 2u];
}

fn finish_scale(fetched: u32, row: u32, group: u32) -> f32 {
    return unpack2x16float(fetched)[(row * GROUPS + group) & 1u];
}

fn group_scale(row: u32, group: u32) -> f32 {
    return finish_scale(fetch_scale(row, group), row, group);
}

#import quant/q4
