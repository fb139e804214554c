// Half-precision weights, two a word.
#import lib/shape

const CHUNK: u32 = 4u; // rows are padded to a multiple of this

@group(0) @binding(1) var<storage, read> weights: array<vec2u>;

alias Fetched = vec2u;

// Elements 4 k4 .. 4 k4 + 3 of a row, as they are stored.
fn fetch_weight4(row: u32, k4: u32) -> Fetched {
    return weights[row * (K / 4u) + k4];
}

fn finish_weight4(fetched: Fetched, row: u32, k4: u32) -> vec4f {
    return vec4f(unpack2x16float(fetched.x), unpack2x16float(fetched.y));
}

fn weight4(row: u32, k4: u32) -> vec4f {
    return finish_weight4(fetch_weight4(row, k4), row, k4);
}
