// Half-precision weights, two a word.
#import lib/shape

const CHUNK: u32 = 4u; // rows are padded to a multiple of this

@group(0) @binding(1) var<storage, read> weights: array<vec2u>;

// Elements 4 k4 .. 4 k4 + 3 of a row.
fn weight4(row: u32, k4: u32) -> vec4f {
    let w = weights[row * (K / 4u) + k4];
    return vec4f(unpack2x16float(w.x), unpack2x16float(w.y));
}
