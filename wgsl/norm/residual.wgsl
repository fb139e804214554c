// Adds a vector to the residual stream.
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;

fn put4(at: u32, x: vec4f) {
    output[at] += x;
}
