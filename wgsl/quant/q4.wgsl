// What both kinds of 4-bit weights share.

const CHUNK: u32 = 32u; // rows are padded to a multiple of this

const PLACE: vec4u = vec4u(0x0000000fu, 0x000000f0u, 0x00000f00u, 0x0000f000u);
const PLACE_VALUE: vec4f = vec4f(1.0, 0.0625, 0.00390625, 0.000244140625); // one over the weight of each place

// The four nibbles of the low half word, each times the weight of its place.
//
// Converting integers to floats is slow on GPUs, so nibbles become floats without it. A nibble in the mantissa of 2^23 makes 2^23 plus 1,
// 16, 256 or 4096 times the nibble, by its place in the half word.
fn nibbles(half: u32) -> vec4f {
    return bitcast<vec4f>((vec4u(half) & PLACE) | vec4u(0x4b000000u)) - 8388608.0;
}

struct Fetched {
    word: u32,
    scale: u32,
}

// Elements 4 k4 .. 4 k4 + 3 of a row, as they are stored.
fn fetch_weight4(row: u32, k4: u32) -> Fetched {
    return Fetched(word(row, k4 / 2u), fetch_scale(row, k4 / 8u));
}

fn finish_weight4(fetched: Fetched, row: u32, k4: u32) -> vec4f {
    let half = fetched.word >> (16u * (k4 & 1u));
    let scale = finish_scale(fetched.scale, row, k4 / 8u);
    return fma(nibbles(half), PLACE_VALUE * scale, vec4f(-7.0 * scale));
}

fn weight4(row: u32, k4: u32) -> vec4f {
    return finish_weight4(fetch_weight4(row, k4), row, k4);
}
