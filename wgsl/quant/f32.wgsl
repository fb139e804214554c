// Single-precision weights.
#import lib/shape

const CHUNK: u32 = 4u; // rows are padded to a multiple of this

@group(0) @binding(1) var<storage, read> weights: array<vec4f>;

alias Fetched = vec4f;

// Elements 4 k4 .. 4 k4 + 3 of a row.
fn fetch_weight4(row: u32, k4: u32) -> Fetched {
    return weights[row * (K / 4u) + k4];
}

fn finish_weight4(fetched: Fetched, row: u32, k4: u32) -> vec4f {
    return fetched;
}

fn weight4(row: u32, k4: u32) -> vec4f {
    return fetch_weight4(row, k4);
}
