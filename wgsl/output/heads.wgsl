// y is the query, key and value heads: queries and keys are rotated; queries go on to attention, keys and values into the cache.
//
// Rotation pairs element i of a head with i + HEAD_DIM / 2 (the layout of Hugging Face). A quad is two such pairs side by side, so that
// half-precision elements can be packed by one invocation.
#import lib/shape
#import lib/rows
#import plan/page
#import cache/f16

const QUERY_HEADS: u32 = 4u;
const KV_HEADS: u32 = 2u;
const HEAD_DIM: u32 = 8u;
const HALF_DIM: u32 = HEAD_DIM / 2u;

@group(0) @binding(4) var<storage, read> rope: array<vec2f>; // [row][HALF_DIM] of (cos, sin)
@group(0) @binding(5) var<storage, read_write> query: array<vec2f>;

fn weight_row(quad: u32, i: u32) -> u32 {
    let head = quad / (HEAD_DIM / 4u);
    let pair = 2u * (quad % (HEAD_DIM / 4u)) + (i & 1u);
    return min(head * HEAD_DIM + pair + HALF_DIM * (i >> 1u), N - 1u);
}

fn store4(row: u32, quad: u32, y: vec4f) {
    let head = quad / (HEAD_DIM / 4u);
    let i = 2u * (quad % (HEAD_DIM / 4u));
    if head >= QUERY_HEADS + 2u * KV_HEADS {
        return;
    }
    let a = rope[row * HALF_DIM + i];
    let b = rope[row * HALF_DIM + i + 1u];
    let c = vec2f(a.x, b.x);
    let s = vec2f(a.y, b.y);
    let low = y.xy * c - y.zw * s;
    let high = y.zw * c + y.xy * s;
    if head < QUERY_HEADS {
        let at = (row * QUERY_HEADS + head) * HEAD_DIM + i;
        query[at / 2u] = low;
        query[(at + HALF_DIM) / 2u] = high;
        return;
    }
    let value = head >= QUERY_HEADS + KV_HEADS;
    let kv = (head - QUERY_HEADS) % KV_HEADS;
    let slot = rows[row].slot;
    let at = ((((slot / PAGE_SIZE) * 2u + u32(value)) * KV_HEADS + kv) * PAGE_SIZE + slot % PAGE_SIZE) * HEAD_DIM + i;
    append2(at, select(low, y.xy, value));
    append2(at + HALF_DIM, select(high, y.zw, value));
}
