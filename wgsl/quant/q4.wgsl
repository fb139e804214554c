// What both kinds of 4-bit weights share. A chunk is a group: one 16-byte load, and the scale and zero point are applied once.
//
// Converting integers to floats is slow on GPUs (a quarter of the rate of other arithmetic, or less), so nibbles become floats without it: put
// into the mantissa of 2^23, four to a half word, they are 1, 16, 256 or 4096 times the nibble more than 2^23. The factor is taken out of x.

const CHUNK: u32 = 32u;
const CHUNKS: u32 = GROUPS;

const PLACE: vec4u = vec4u(0x0000000fu, 0x000000f0u, 0x00000f00u, 0x0000f000u);
const PLACE_VALUE: vec4f = vec4f(1.0, 0.0625, 0.00390625, 0.000244140625); // one over the weight of each place

// A group of x by half words, each element divided by the weight of its place. `sum` is that of x: times the zero point, it is what stored
// weights are too large by.
struct Chunk {
    x0: vec4f,
    x1: vec4f,
    x2: vec4f,
    x3: vec4f,
    x4: vec4f,
    x5: vec4f,
    x6: vec4f,
    x7: vec4f,
    sum: f32,
}

fn load_chunk(row: u32, chunk: u32) -> Chunk {
    let x0 = input4(row, chunk * 8u);
    let x1 = input4(row, chunk * 8u + 1u);
    let x2 = input4(row, chunk * 8u + 2u);
    let x3 = input4(row, chunk * 8u + 3u);
    let x4 = input4(row, chunk * 8u + 4u);
    let x5 = input4(row, chunk * 8u + 5u);
    let x6 = input4(row, chunk * 8u + 6u);
    let x7 = input4(row, chunk * 8u + 7u);
    let sum = ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7));
    return Chunk(
        x0 * PLACE_VALUE, x1 * PLACE_VALUE, x2 * PLACE_VALUE, x3 * PLACE_VALUE,
        x4 * PLACE_VALUE, x5 * PLACE_VALUE, x6 * PLACE_VALUE, x7 * PLACE_VALUE,
        dot(sum, vec4f(1.0)),
    );
}

// The four nibbles of the low half word, each times the weight of its place.
fn nibbles(word: u32) -> vec4f {
    return bitcast<vec4f>((vec4u(word) & PLACE) | vec4u(0x4b000000u)) - 8388608.0;
}

fn dot_chunk(row: u32, chunk: u32, x: Chunk) -> f32 {
    let w = weights[row * GROUPS + chunk];
    var y = x.x0 * nibbles(w.x);
    y = fma(x.x1, nibbles(w.x >> 16u), y);
    y = fma(x.x2, nibbles(w.y), y);
    y = fma(x.x3, nibbles(w.y >> 16u), y);
    y = fma(x.x4, nibbles(w.z), y);
    y = fma(x.x5, nibbles(w.z >> 16u), y);
    y = fma(x.x6, nibbles(w.w), y);
    y = fma(x.x7, nibbles(w.w >> 16u), y);
    return group_scale(row, chunk) * (dot(y, vec4f(1.0)) - 7.0 * x.sum);
}

// Elements 4 k4 .. 4 k4 + 3 of a row.
fn weight4(row: u32, k4: u32) -> vec4f {
    let group = k4 / 8u;
    let word = weights[row * GROUPS + group][(k4 / 2u) & 3u] >> (16u * (k4 & 1u));
    return (nibbles(word) * PLACE_VALUE - 7.0) * group_scale(row, group);
}
