// Gains, biases and rope frequencies of the whole model, one after the other. The launch block has their offsets, which are multiples of
// four.
@group(0) @binding(1) var<storage, read> vectors: array<vec4f>;

fn vector4(offset: u32, i4: u32) -> vec4f {
    return vectors[offset / 4u + i4];
}

fn vector1(offset: u32, i: u32) -> f32 {
    return vectors[offset / 4u + i / 4u][i % 4u];
}
