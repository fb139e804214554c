// Attention of rows as in attention/row, but invocations that share a key add up its scores with shuffles. So nothing waits for other
// subgroups before the end, and no scores go through workgroup memory.
//
// KEY_LANES invocations of a subgroup, a team, share a key and then its value: each has eight neighbouring elements of every 8 KEY_LANES. A
// team takes every TEAMS-th key, with a softmax of its own; teams are merged in the end. AHEAD keys of a team are under way at a time.
// Their scores are handled together, so that sums are scaled less often.
#import lib/launch
#import lib/rows
#import cache/wide_f16
#import attention/write_whole
#import attention/score

const QUERY_HEADS: u32 = 4u;
const KV_HEADS: u32 = 2u;
const HEAD_DIM: u32 = 32u;
const GROUP: u32 = 2u;
const WINDOW: u32 = 0xffffffffu;
const SCALE: f32 = 0.35355338;
const PAGES_PER_SEQUENCE: u32 = 4u;
const SUBGROUP: u32 = 4u; // invocations that every subgroup has at least

const LANES: u32 = 128u;   // tune: 32 64 128 256
const KEY_LANES: u32 = 4u; // tune: 4 8 16
const AHEAD: u32 = 2u;     // tune: 1 2 4
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of head groups by rows by parts

const D4: u32 = HEAD_DIM / 4u;
const D8: u32 = HEAD_DIM / 8u;
const Q4: u32 = (GROUP + 3u) / 4u;
const QUERIES: u32 = 4u * Q4;
const SHARE: u32 = D8 / KEY_LANES; // eights of a key that an invocation has
const VECTORS: u32 = 2u * SHARE;
const TEAMS: u32 = LANES / KEY_LANES;
const HALVINGS: u32 = firstLeadingBit(KEY_LANES);
const TILE: u32 = TEAMS * AHEAD;
const FETCHED: u32 = AHEAD * SHARE;
const LOWEST: f32 = -3.4e38;

const_assert KEY_LANES <= SUBGROUP;
const_assert HEAD_DIM % (8u * KEY_LANES) == 0u;
const_assert VECTORS * QUERIES <= 32u;

@group(0) @binding(1) var<storage, read> query: array<vec4f>;
@group(0) @binding(3) var<storage, read> pages: array<u32>;

var<workgroup> sums: array<vec4f, TEAMS * D4>;
var<workgroup> maxima: array<vec4f, TEAMS * Q4>;
var<workgroup> denominators: array<vec4f, TEAMS * Q4>;

#import attention/pages
#import attention/part

// What was asked of memory, as in attention/row.
var<private> next_keys: array<Eight, FETCHED>;
var<private> next_values: array<Eight, FETCHED>;

// This invocation's share of the keys (`value` 0) or values (1) from `first` on, zero behind the end.
fn ask(table: u32, value: u32, kv: u32, first: u32, end: u32, piece: u32) -> array<Eight, FETCHED> {
    var asked: array<Eight, FETCHED>;
    for (var a = 0u; a < AHEAD; a++) { // unroll
        let key = first + a * TEAMS;
        if key < end {
            let at = key_at(table, key, value, kv) / 2u + piece;
            for (var i = 0u; i < SHARE; i++) { // unroll
                asked[a * SHARE + i] = cache[at + i * KEY_LANES];
            }
        }
    }
    return asked;
}

fn dots(x: vec4f, a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> vec4f {
    return vec4f(dot(x, a), dot(x, b), dot(x, c), dot(x, d));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let row = launch.first + group.y;
    let first_head = group.x * GROUP;
    let kv = first_head / (QUERY_HEADS / KV_HEADS);
    let table = rows[row].sequence * PAGES_PER_SEQUENCE;
    let part = part_of(rows[row].position, rows[row].position, group.z);
    let begin = part.begin;
    let end = part.end;

    let piece = lane % KEY_LANES;
    let team = lane / KEY_LANES;
    next_keys = ask(table, 0u, kv, begin + team, end, piece);
    next_values = ask(table, 1u, kv, begin + team, end, piece);
    var q: array<vec4f, VECTORS * QUERIES>;
    for (var v = 0u; v < VECTORS; v++) { // unroll
        for (var j = 0u; j < GROUP; j++) { // unroll
            let at = 2u * (piece + v / 2u * KEY_LANES) + v % 2u;
            q[v * QUERIES + j] = query[(row * QUERY_HEADS + first_head + j) * D4 + at] * SCALE;
        }
    }

    var maximum: array<vec4f, Q4>;
    var denominator: array<vec4f, Q4>;
    var sum: array<vec4f, VECTORS * QUERIES>;
    for (var j = 0u; j < Q4; j++) { // unroll
        maximum[j] = vec4f(LOWEST);
    }
    for (var first = begin; first < end; first += TILE) {
        var scores = array<vec4f, AHEAD * Q4>();
        for (var a = 0u; a < AHEAD; a++) { // unroll
            for (var i = 0u; i < SHARE; i++) { // unroll
                let low = low_elements(next_keys[a * SHARE + i]);
                let high = high_elements(next_keys[a * SHARE + i]);
                for (var j = 0u; j < Q4; j++) { // unroll
                    let x = 2u * i * QUERIES + 4u * j;
                    let y = x + QUERIES;
                    scores[a * Q4 + j] += dots(low, q[x], q[x + 1u], q[x + 2u], q[x + 3u]);
                    scores[a * Q4 + j] += dots(high, q[y], q[y + 1u], q[y + 2u], q[y + 3u]);
                }
            }
        }
        next_keys = ask(table, 0u, kv, first + TILE + team, end, piece);
        for (var j = 0u; j < Q4; j++) { // unroll
            var highest = maximum[j];
            for (var a = 0u; a < AHEAD; a++) { // unroll
                var score = scores[a * Q4 + j];
                for (var i = 0u; i < HALVINGS; i++) { // unroll
                    score += subgroupShuffleXor(score, 1u << i);
                }
                scores[a * Q4 + j] = select(vec4f(LOWEST), score_of(score), first + a * TEAMS + team < end);
                highest = max(highest, scores[a * Q4 + j]);
            }
            let correction = exp(maximum[j] - highest);
            maximum[j] = highest;
            denominator[j] *= correction;
            for (var v = 0u; v < VECTORS; v++) { // unroll
                let at = v * QUERIES + 4u * j;
                sum[at] *= correction.x;
                sum[at + 1u] *= correction.y;
                sum[at + 2u] *= correction.z;
                sum[at + 3u] *= correction.w;
            }
        }
        for (var a = 0u; a < AHEAD; a++) { // unroll
            if first + a * TEAMS + team < end {
                for (var j = 0u; j < Q4; j++) { // unroll
                    let p = exp(scores[a * Q4 + j] - maximum[j]);
                    denominator[j] += p;
                    for (var i = 0u; i < SHARE; i++) { // unroll
                        let low = low_elements(next_values[a * SHARE + i]);
                        let high = high_elements(next_values[a * SHARE + i]);
                        let x = 2u * i * QUERIES + 4u * j;
                        let y = x + QUERIES;
                        sum[x] += p.x * low;
                        sum[x + 1u] += p.y * low;
                        sum[x + 2u] += p.z * low;
                        sum[x + 3u] += p.w * low;
                        sum[y] += p.x * high;
                        sum[y + 1u] += p.y * high;
                        sum[y + 2u] += p.z * high;
                        sum[y + 3u] += p.w * high;
                    }
                }
            }
        }
        next_values = ask(table, 1u, kv, first + TILE + team, end, piece);
    }

    if piece == 0u {
        for (var j = 0u; j < Q4; j++) { // unroll
            maxima[team * Q4 + j] = maximum[j];
            denominators[team * Q4 + j] = denominator[j];
        }
    }
    workgroupBarrier();
    for (var j = 0u; j < GROUP; j++) { // unroll
        var highest = LOWEST;
        for (var s = 0u; s < TEAMS; s++) {
            highest = max(highest, maxima[s * Q4 + j / 4u][j % 4u]);
        }
        let factor = exp(maximum[j / 4u][j % 4u] - highest);
        for (var v = 0u; v < VECTORS; v++) { // unroll
            sums[team * D4 + 2u * (piece + v / 2u * KEY_LANES) + v % 2u] = factor * sum[v * QUERIES + j];
        }
        workgroupBarrier();
        for (var i = lane; i < D4; i += LANES) {
            var total = 0.0;
            var y = vec4f();
            for (var s = 0u; s < TEAMS; s++) {
                total += exp(maxima[s * Q4 + j / 4u][j % 4u] - highest) * denominators[s * Q4 + j / 4u][j % 4u];
                y += sums[s * D4 + i];
            }
            write_part(row, first_head + j, group.z, i, y, highest, total);
        }
        workgroupBarrier();
    }
}
