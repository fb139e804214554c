// The KV cache of a layer for appending: [page][key, value][kv head][PAGE_SIZE][head_dim], single precision.
@group(0) @binding(6) var<storage, read_write> cache: array<vec2f>;

fn append2(element: u32, y: vec2f) {
    cache[element / 2u] = y;
}
