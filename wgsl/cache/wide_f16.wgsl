// The KV cache of a layer for reading, eight elements at a time from packed halves.
@group(0) @binding(2) var<storage, read> cache: array<vec4u>;

alias Eight = vec4u;

fn low_elements(w: Eight) -> vec4f {
    return vec4f(unpack2x16float(w.x), unpack2x16float(w.y));
}

fn high_elements(w: Eight) -> vec4f {
    return vec4f(unpack2x16float(w.z), unpack2x16float(w.w));
}
