// Adds y to the residual stream.
#import lib/shape

@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;

fn weight_row(quad: u32, i: u32) -> u32 {
    return min(4u * quad + i, N - 1u);
}

fn store4(row: u32, quad: u32, y: vec4f) {
    if 4u * quad < N {
        output[row * (N / 4u) + quad] += y;
    }
}
