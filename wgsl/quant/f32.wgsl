// Single-precision weights.
#import lib/shape

const CHUNK: u32 = 4u;
const CHUNKS: u32 = K / 4u;

@group(0) @binding(1) var<storage, read> weights: array<vec4f>;

struct Chunk {
    x: vec4f,
}

fn load_chunk(row: u32, chunk: u32) -> Chunk {
    return Chunk(input4(row, chunk));
}

fn dot_chunk(row: u32, chunk: u32, x: Chunk) -> f32 {
    return dot(weight4(row, chunk), x.x);
}

// Elements 4 k4 .. 4 k4 + 3 of a row.
fn weight4(row: u32, k4: u32) -> vec4f {
    return weights[row * (K / 4u) + k4];
}
