// y is the query, key and value heads, as in output/heads, with any rotation.
#import lib/shape
#import lib/rows
#import plan/page
#import cache/f16
#import rotate/halves
#import finish/none

const QUERY_HEADS: u32 = 4u;
const KV_HEADS: u32 = 2u;

@group(0) @binding(5) var<storage, read_write> query: array<vec2f>;

fn weight_row(quad: u32, i: u32) -> u32 {
    let at = places(quad % (HEAD_DIM / 4u));
    return min(quad / (HEAD_DIM / 4u) * HEAD_DIM + select(at.x, at.y, i >= 2u) + (i & 1u), N - 1u);
}

fn store4(row: u32, quad: u32, y: vec4f) {
    let head = quad / (HEAD_DIM / 4u);
    if head >= QUERY_HEADS + 2u * KV_HEADS {
        return;
    }
    let place = places(quad % (HEAD_DIM / 4u));
    let value = head >= QUERY_HEADS + KV_HEADS;
    var turned = y;
    if !value {
        turned = finish(row, head, place, turn(row, quad % (HEAD_DIM / 4u), y));
    }
    if head < QUERY_HEADS {
        let at = (row * QUERY_HEADS + head) * HEAD_DIM;
        query[(at + place.x) / 2u] = turned.xy;
        query[(at + place.y) / 2u] = turned.zw;
        return;
    }
    let kv = (head - QUERY_HEADS) % KV_HEADS;
    let slot = rows[row].slot;
    let at = ((((slot / PAGE_SIZE) * 2u + u32(value)) * KV_HEADS + kv) * PAGE_SIZE + slot % PAGE_SIZE) * HEAD_DIM;
    append2(at + place.x, turned.xy);
    append2(at + place.y, turned.zw);
}
