// Attention over cache pages with a running softmax. A workgroup takes the GROUP query heads that share a key head, of ROWS neighbouring
// rows. It walks the keys LANES at a time: one invocation per key for the scores, then one per four elements for the sum.
#import lib/launch
#import lib/rows
#import cache/read_f16
#import attention/write_whole
#import attention/score

const QUERY_HEADS: u32 = 4u;
const KV_HEADS: u32 = 2u;
const HEAD_DIM: u32 = 8u;
const GROUP: u32 = 2u;
const WINDOW: u32 = 0xffffffffu;
const SCALE: f32 = 0.35355338;
const PAGES_PER_SEQUENCE: u32 = 4u;

const ROWS: u32 = 1u;   // tune: 1 2 4 8 16
const LANES: u32 = 64u; // tune: 32 64 128 256
const BLOCK: vec3u = vec3u(1u, ROWS, 1u); // of head groups by rows by segments

const QUERIES: u32 = ROWS * GROUP;
const Q4: u32 = (QUERIES + 3u) / 4u;
const D4: u32 = HEAD_DIM / 4u;
const TEAMS: u32 = min(LANES / D4, 4u); // invocations that share an element of the sum, each with every TEAMS-th key
const COLUMNS: u32 = (D4 + LANES - 1u) / LANES;
const STATS: u32 = LANES / (4u * Q4); // invocations that share the statistics of a query
const LOWEST: f32 = -3.4e38;

const_assert COLUMNS == 1u;
const_assert 4u * Q4 <= LANES;

@group(0) @binding(1) var<storage, read> query: array<vec4f>;
@group(0) @binding(3) var<storage, read> pages: array<u32>;

var<workgroup> q: array<vec4f, 4u * Q4 * D4>;
var<workgroup> scores: array<f32, LANES * 4u * Q4>; // [key][query]; not vectors: a write to one member of a vector may touch all
var<workgroup> maxima: array<f32, LANES>;
var<workgroup> corrections: array<f32, 4u * Q4>;

#import attention/pages
#import attention/segments

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first_row = segments[group.z] + group.y * ROWS;
    let behind = segments[group.z + 1u];
    if first_row >= behind {
        return;
    }
    let last_row = min(first_row + ROWS, behind) - 1u;
    let first_head = group.x * GROUP;
    let kv = first_head / (QUERY_HEADS / KV_HEADS);
    let table = rows[first_row].sequence * PAGES_PER_SEQUENCE;
    let first_position = rows[first_row].position;
    let last_position = rows[last_row].position;

    // The keys that any of the rows sees.
    let begin = select(0u, first_position - (WINDOW - 1u), first_position >= WINDOW - 1u);
    let end = last_position + 1u;

    for (var i = lane; i < 4u * Q4 * D4; i += LANES) {
        let row = min(first_row + (i / D4) / GROUP, last_row);
        q[i] = select(vec4f(), query[(row * QUERY_HEADS + first_head + (i / D4) % GROUP) * D4 + i % D4] * SCALE, i / D4 < QUERIES);
    }

    // Query and share of its keys whose statistics this invocation keeps.
    let mine = lane % (4u * Q4);
    let team = lane / (4u * Q4);
    let my_position = rows[min(first_row + mine / GROUP, last_row)].position;
    var maximum = LOWEST;
    var denominator = 0.0;

    // Elements and share of the keys whose sum this invocation keeps.
    let column = lane % D4;
    let turn = lane / D4;
    var sum: array<vec4f, 4u * Q4>;

    workgroupBarrier();
    for (var tile = begin; tile < end; tile += LANES) {
        let position = tile + lane;
        if position < end {
            let at = key_at(table, position, 0u, kv);
            var s = array<vec4f, Q4>();
            for (var i = 0u; i < D4; i++) {
                let k = cache4(at + i);
                for (var j = 0u; j < Q4; j++) {
                    s[j] += vec4f(
                        dot(k, q[(4u * j) * D4 + i]), dot(k, q[(4u * j + 1u) * D4 + i]),
                        dot(k, q[(4u * j + 2u) * D4 + i]), dot(k, q[(4u * j + 3u) * D4 + i]),
                    );
                }
            }
            for (var j = 0u; j < Q4; j++) {
                let to = (lane * Q4 + j) * 4u;
                let score = score_of(s[j]);
                scores[to] = score.x;
                scores[to + 1u] = score.y;
                scores[to + 2u] = score.z;
                scores[to + 3u] = score.w;
            }
        }
        workgroupBarrier();

        let keys = min(end - tile, LANES);
        var highest = LOWEST;
        if team < STATS {
            for (var j = team; j < keys; j += STATS) {
                if visible(my_position, tile + j) {
                    highest = max(highest, scores[j * 4u * Q4 + mine]);
                }
            }
        }
        maxima[lane] = highest;
        workgroupBarrier();

        if team < STATS {
            var now = maximum;
            for (var i = 0u; i < STATS; i++) {
                now = max(now, maxima[i * 4u * Q4 + mine]);
            }
            let correction = exp(maximum - now);
            maximum = now;
            denominator *= correction;
            for (var j = team; j < keys; j += STATS) {
                var p = 0.0;
                if visible(my_position, tile + j) {
                    p = exp(scores[j * 4u * Q4 + mine] - now);
                }
                scores[j * 4u * Q4 + mine] = p;
                denominator += p;
            }
            if team == 0u {
                corrections[mine] = correction;
            }
        }
        workgroupBarrier();

        if turn < TEAMS {
            for (var j = 0u; j < Q4; j++) {
                sum[4u * j] *= corrections[4u * j];
                sum[4u * j + 1u] *= corrections[4u * j + 1u];
                sum[4u * j + 2u] *= corrections[4u * j + 2u];
                sum[4u * j + 3u] *= corrections[4u * j + 3u];
            }
            for (var i = turn; i < keys; i += TEAMS) {
                let v = cache4(key_at(table, tile + i, 1u, kv) + column);
                for (var j = 0u; j < Q4; j++) {
                    let p = (i * Q4 + j) * 4u;
                    sum[4u * j] += scores[p] * v;
                    sum[4u * j + 1u] += scores[p + 1u] * v;
                    sum[4u * j + 2u] += scores[p + 2u] * v;
                    sum[4u * j + 3u] += scores[p + 3u] * v;
                }
            }
        }
        workgroupBarrier();
    }

    // Denominators come together in `maxima`, maxima in `corrections`, the sums in `q`.
    maxima[lane] = denominator;
    if lane < 4u * Q4 {
        corrections[lane] = maximum;
    }
    for (var t = 1u; t < TEAMS; t++) {
        if turn == t {
            for (var j = 0u; j < 4u * Q4; j++) {
                q[j * D4 + column] = sum[j];
            }
        }
        workgroupBarrier();
        if turn == 0u {
            for (var j = 0u; j < 4u * Q4; j++) {
                sum[j] += q[j * D4 + column];
            }
        }
        workgroupBarrier();
    }
    if TEAMS == 1u {
        workgroupBarrier();
    }
    if turn == 0u {
        for (var j = 0u; j < QUERIES; j++) {
            let row = first_row + j / GROUP;
            if row <= last_row {
                var total = 0.0;
                for (var i = 0u; i < STATS; i++) {
                    total += maxima[i * 4u * Q4 + j];
                }
                write_part(row, first_head + j % GROUP, 0u, column, sum[j], corrections[j], total);
            }
        }
    }
}

fn visible(position: u32, key: u32) -> bool {
    return key <= position && position - key < WINDOW;
}
