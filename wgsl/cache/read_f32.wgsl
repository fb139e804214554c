// The KV cache of a layer for reading, four elements at a time.
@group(0) @binding(2) var<storage, read> cache: array<vec4f>;

alias Cached = vec4f;

fn cached_elements(x: Cached) -> vec4f {
    return x;
}

fn cache4(i4: u32) -> vec4f {
    return cache[i4];
}
