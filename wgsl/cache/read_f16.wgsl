// The KV cache of a layer for reading, four elements at a time from packed halves.
@group(0) @binding(2) var<storage, read> cache: array<vec2u>;

alias Cached = vec2u;

fn cached_elements(w: Cached) -> vec4f {
    return vec4f(unpack2x16float(w.x), unpack2x16float(w.y));
}

fn cache4(i4: u32) -> vec4f {
    return cached_elements(cache[i4]);
}
