// Adds a vector to the residual stream, and multiplies the sum by a parameter of one element.
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;

fn put4(at: u32, x: vec4f) {
    output[at] = (output[at] + x) * vector1(launch.query_gain, 0u);
}
