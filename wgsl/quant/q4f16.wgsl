// 4-bit weights in groups of 32 along K, eight a word, lowest bits first, zero point 7; half-precision scales, two a word.
#import lib/shape

const GROUPS: u32 = (K + 31u) / 32u;

#import quant/words4
@group(0) @binding(2) var<storage, read> scales: array<u32>;

// Whether every row begins with a word of its own: said apart, so that compilers work out where a row begins once.
const WHOLE: bool = GROUPS % 2u == 0u;

fn fetch_scale(row: u32, group: u32) -> u32 {
    if WHOLE {
        return scales[row * (GROUPS / 2u) + group / 2u];
    }
    return scales[(row * GROUPS + group) / 2u];
}

fn finish_scale(fetched: u32, row: u32, group: u32) -> f32 {
    let half = select(row * GROUPS + group, group, WHOLE) & 1u;
    return unpack2x16float(fetched >> (16u * half)).x;
}

fn group_scale(row: u32, group: u32) -> f32 {
    return finish_scale(fetch_scale(row, group), row, group);
}

#import quant/q4
