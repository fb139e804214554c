// Attention of many rows as two matrix multiplications. A workgroup takes QUERIES queries (the GROUP heads that share a key head, of
// neighbouring rows) and walks the keys 64 at a time. An invocation makes a block of scores, four queries by eight keys, from slices in
// workgroup memory, as matmul/tile does. It also makes a block of the sum, four queries by COLUMNS vectors.
//
// Neighbours in a subgroup have the same queries. They exchange maxima, sums and scores with shuffles, so no score goes through workgroup
// memory: the slices have it to themselves.
#import lib/launch
#import lib/rows
#import cache/read_f16
#import attention/write_whole
#import attention/score

const QUERY_HEADS: u32 = 4u;
const KV_HEADS: u32 = 2u;
const HEAD_DIM: u32 = 32u;
const GROUP: u32 = 2u;
const WINDOW: u32 = 0xffffffffu;
const SCALE: f32 = 0.35355338;
const PAGES_PER_SEQUENCE: u32 = 4u;
const SUBGROUP: u32 = 8u; // invocations that every subgroup has at least

const DOWN: u32 = 16u; // tune: 8 16 32
const ROWS: u32 = 4u * DOWN / GROUP;
const BLOCK: vec3u = vec3u(1u, ROWS, 1u); // of head groups by rows by segments

const ACROSS: u32 = 8u; // invocations that share queries
const HALVINGS: u32 = 3u; // of them, to one
const LANES: u32 = DOWN * ACROSS;
const QUERIES: u32 = 4u * DOWN;
const KEYS: u32 = 8u; // of an invocation, every ACROSS-th
const TILE: u32 = ACROSS * KEYS;
const D4: u32 = HEAD_DIM / 4u;
const COLUMNS: u32 = D4 / ACROSS; // vectors of the sum of a query, every ACROSS-th
const DEPTH: u32 = 4u; // vectors of a slice of queries and keys
const SLICES: u32 = D4 / DEPTH;
const TURNS: u32 = 2u; // keys of an invocation whose values are in a slice
const VALUES: u32 = TURNS * ACROSS; // values of a slice
const FOUR: u32 = 4u; // queries of an invocation
// Two more than there are, so that what neighbours store lies in different banks.
const Q_PITCH: u32 = QUERIES + 2u;
const K_PITCH: u32 = TILE + 2u;
const Q_LOADS: u32 = QUERIES * DEPTH / LANES;
const K_LOADS: u32 = TILE * DEPTH / LANES;
const V_LOADS: u32 = (VALUES * D4 + LANES - 1u) / LANES;
const LOWEST: f32 = -3.4e38;

const_assert ACROSS <= SUBGROUP;
const_assert GROUP <= QUERIES;
const_assert D4 % ACROSS == 0u && COLUMNS <= 8u;
const_assert TILE * DEPTH % LANES == 0u;

@group(0) @binding(1) var<storage, read> query: array<vec4f>;
@group(0) @binding(3) var<storage, read> pages: array<u32>;

// A slice of queries and one of keys, [vector][query or key], or one of values, [key][vector].
var<workgroup> slices: array<vec4f, max(DEPTH * (Q_PITCH + K_PITCH), VALUES * D4)>;

#import attention/pages
#import attention/segments

// What an invocation asked memory for.
var<private> next_q: array<vec4f, Q_LOADS>;
var<private> next_k: array<Cached, K_LOADS>;
var<private> next_v: array<Cached, V_LOADS>;

// Where this workgroup's queries and keys are.
struct Place {
    first_row: u32,
    last_row: u32,
    first_head: u32,
    table: u32,
    kv: u32,
    end: u32, // behind the last key
}

// Slice `slice` of the queries, and of the keys from `first` on.
fn ask_scores(at: Place, slice: u32, first: u32, lane: u32) {
    for (var i = 0u; i < Q_LOADS; i++) { // unroll
        let q = (lane + i * LANES) / DEPTH;
        let row = min(at.first_row + q / GROUP, at.last_row);
        next_q[i] = query[(row * QUERY_HEADS + at.first_head + q % GROUP) * D4 + slice * DEPTH + lane % DEPTH];
    }
    for (var i = 0u; i < K_LOADS; i++) { // unroll
        let key = min(first + (lane + i * LANES) / DEPTH, at.end - 1u);
        next_k[i] = cache[key_at(at.table, key, 0u, at.kv) + slice * DEPTH + lane % DEPTH];
    }
}

fn put_scores(lane: u32) {
    for (var i = 0u; i < Q_LOADS; i++) { // unroll
        slices[lane % DEPTH * Q_PITCH + (lane + i * LANES) / DEPTH] = next_q[i] * SCALE;
    }
    for (var i = 0u; i < K_LOADS; i++) { // unroll
        slices[DEPTH * Q_PITCH + lane % DEPTH * K_PITCH + (lane + i * LANES) / DEPTH] = cached_elements(next_k[i]);
    }
}

// The values of keys from `first` on.
fn ask_values(at: Place, first: u32, lane: u32) {
    for (var i = 0u; i < V_LOADS; i++) { // unroll
        let key = min(first + (lane + i * LANES) / D4, at.end - 1u);
        next_v[i] = cache[key_at(at.table, key, 1u, at.kv) + (lane + i * LANES) % D4];
    }
}

fn put_values(lane: u32) {
    for (var i = 0u; i < V_LOADS; i++) { // unroll
        if VALUES * D4 % LANES == 0u || lane + i * LANES < VALUES * D4 {
            slices[lane + i * LANES] = cached_elements(next_v[i]);
        }
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_invocation_id) id: u32,
) {
    let first_row = segments[group.z] + group.y * ROWS;
    let behind = segments[group.z + 1u];
    if first_row >= behind {
        return;
    }
    var at: Place;
    at.first_row = first_row;
    at.last_row = min(first_row + ROWS, behind) - 1u;
    at.first_head = group.x * GROUP;
    at.kv = at.first_head / (QUERY_HEADS / KV_HEADS);
    at.table = rows[at.first_row].sequence * PAGES_PER_SEQUENCE;
    // The keys that any of the rows sees.
    let first_position = rows[at.first_row].position;
    let begin = select(0u, first_position - (WINDOW - 1u), first_position >= WINDOW - 1u);
    let end = rows[at.last_row].position + 1u;
    at.end = end;

    let across = lane % ACROSS;
    let down = lane / ACROSS;
    let leader = id - id % ACROSS; // of those with the same queries
    var position: vec4u;
    for (var q = 0u; q < FOUR; q++) { // unroll
        position[q] = rows[min(at.first_row + (FOUR * down + q) / GROUP, at.last_row)].position;
    }

    var maximum = vec4f(LOWEST);
    var denominator = vec4f();
    var sum: array<vec4f, FOUR * COLUMNS>;
    ask_scores(at, 0u, begin, lane);
    for (var first = begin; first < end; first += TILE) {
        // Of four queries each.
        var scores = array<vec4f, KEYS>();
        for (var slice = 0u; slice < SLICES; slice++) {
            put_scores(lane);
            workgroupBarrier();
            if slice + 1u < SLICES {
                ask_scores(at, slice + 1u, first, lane);
            } else {
                ask_values(at, first, lane);
            }
            for (var d = 0u; d < DEPTH; d++) {
                let from_q = d * Q_PITCH + FOUR * down;
                let from_k = DEPTH * Q_PITCH + d * K_PITCH + across;
                let a = slices[from_q];
                let b = slices[from_q + 1u];
                let c = slices[from_q + 2u];
                let e = slices[from_q + 3u];
                for (var i = 0u; i < KEYS; i++) { // unroll
                    let k = slices[from_k + i * ACROSS];
                    scores[i] += vec4f(dot(k, a), dot(k, b), dot(k, c), dot(k, e));
                }
            }
            workgroupBarrier();
        }

        var highest = maximum;
        for (var i = 0u; i < KEYS; i++) { // unroll
            let key = first + across + i * ACROSS;
            scores[i] = select(vec4f(LOWEST), score_of(scores[i]), visible(position, key, end));
            highest = max(highest, scores[i]);
        }
        for (var i = 0u; i < HALVINGS; i++) { // unroll
            highest = max(highest, subgroupShuffleXor(highest, 1u << i));
        }
        let correction = exp(maximum - highest);
        maximum = highest;
        denominator *= correction;
        for (var i = 0u; i < KEYS; i++) { // unroll
            let key = first + across + i * ACROSS;
            scores[i] = select(vec4f(), exp(scores[i] - highest), visible(position, key, end));
            denominator += scores[i];
        }
        for (var c = 0u; c < COLUMNS; c++) { // unroll
            for (var q = 0u; q < FOUR; q++) { // unroll
                sum[FOUR * c + q] *= correction[q];
            }
        }

        for (var i = 0u; i < KEYS; i++) { // unroll
            if i % TURNS == 0u {
                put_values(lane);
                workgroupBarrier();
                if i + TURNS < KEYS {
                    ask_values(at, first + (i + TURNS) * ACROSS, lane);
                } else {
                    ask_scores(at, 0u, first + TILE, lane);
                }
            }
            for (var other = 0u; other < ACROSS; other++) {
                let p = subgroupShuffle(scores[i], leader + other);
                let from_v = (i % TURNS * ACROSS + other) * D4 + across;
                for (var c = 0u; c < COLUMNS; c++) { // unroll
                    let v = slices[from_v + c * ACROSS];
                    for (var q = 0u; q < FOUR; q++) { // unroll
                        sum[FOUR * c + q] += p[q] * v;
                    }
                }
            }
            if i % TURNS == TURNS - 1u {
                workgroupBarrier();
            }
        }
    }

    for (var i = 0u; i < HALVINGS; i++) { // unroll
        denominator += subgroupShuffleXor(denominator, 1u << i);
    }
    for (var q = 0u; q < FOUR; q++) { // unroll
        let at_query = FOUR * down + q;
        let row = at.first_row + at_query / GROUP;
        if row <= at.last_row && at_query < ROWS * GROUP {
            for (var c = 0u; c < COLUMNS; c++) { // unroll
                let head = at.first_head + at_query % GROUP;
                write_part(row, head, 0u, across + c * ACROSS, sum[FOUR * c + q], maximum[q], denominator[q]);
            }
        }
    }
}

fn visible(position: vec4u, key: u32, end: u32) -> vec4<bool> {
    return (vec4u(key) <= position) & (position - vec4u(key) < vec4u(WINDOW)) & vec4<bool>(key < end);
}
