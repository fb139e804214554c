// The KV cache of a layer for reading, four elements at a time from packed halves.
@group(0) @binding(2) var<storage, read> cache: array<vec2u>;

fn cache4(i4: u32) -> vec4f {
    let w = cache[i4];
    return vec4f(unpack2x16float(w.x), unpack2x16float(w.y));
}
