// y is the query, key and value heads as they are: queries go on to attention, keys and values into the cache. A quad is four neighbours.
#import lib/shape
#import lib/rows
#import plan/page
#import cache/f16

const QUERY_HEADS: u32 = 4u;
const KV_HEADS: u32 = 2u;
const HEAD_DIM: u32 = 8u;

@group(0) @binding(5) var<storage, read_write> query: array<vec4f>;

fn weight_row(quad: u32, i: u32) -> u32 {
    return min(4u * quad + i, N - 1u);
}

fn store4(row: u32, quad: u32, y: vec4f) {
    let head = quad / (HEAD_DIM / 4u);
    let i = 4u * (quad % (HEAD_DIM / 4u));
    if head >= QUERY_HEADS + 2u * KV_HEADS {
        return;
    }
    if head < QUERY_HEADS {
        query[((row * QUERY_HEADS + head) * HEAD_DIM + i) / 4u] = y;
        return;
    }
    let value = head >= QUERY_HEADS + KV_HEADS;
    let kv = (head - QUERY_HEADS) % KV_HEADS;
    let slot = rows[row].slot;
    let at = ((((slot / PAGE_SIZE) * 2u + u32(value)) * KV_HEADS + kv) * PAGE_SIZE + slot % PAGE_SIZE) * HEAD_DIM + i;
    append2(at, y.xy);
    append2(at + 2u, y.zw);
}
