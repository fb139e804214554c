// The KV cache of a layer for reading, eight elements at a time.
struct Eight {
    low: vec4f,
    high: vec4f,
}

@group(0) @binding(2) var<storage, read> cache: array<Eight>;

fn low_elements(x: Eight) -> vec4f {
    return x.low;
}

fn high_elements(x: Eight) -> vec4f {
    return x.high;
}
