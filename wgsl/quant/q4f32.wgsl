// 4-bit weights in groups of 32 along K, eight a word, lowest bits first, zero point 7; single-precision scales.
#import lib/shape

const GROUPS: u32 = (K + 31u) / 32u;

#import quant/words4
@group(0) @binding(2) var<storage, read> scales: array<f32>;

fn fetch_scale(row: u32, group: u32) -> u32 {
    return bitcast<u32>(scales[row * GROUPS + group]);
}

fn finish_scale(fetched: u32, row: u32, group: u32) -> f32 {
    return bitcast<f32>(fetched);
}

fn group_scale(row: u32, group: u32) -> f32 {
    return scales[row * GROUPS + group];
}

#import quant/q4
