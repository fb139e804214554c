// act(y), element by element times a slice of a wider row, from launch.query_gain on.
#import lib/shape
#import act/silu

const STRIDE: u32 = N; // elements of the wider row

@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(5) var<storage, read> factors: array<vec4f>;

fn weight_row(quad: u32, i: u32) -> u32 {
    return min(4u * quad + i, N - 1u);
}

fn store4(row: u32, quad: u32, y: vec4f) {
    if 4u * quad < N {
        let acted = vec4f(act(y.x), act(y.y), act(y.z), act(y.w));
        output[row * (N / 4u) + quad] = acted * factors[(row * STRIDE + launch.query_gain) / 4u + quad];
    }
}
