// Attention of rows from launch.first on, with a workgroup for each key head of each row. It is for decoding, where there are few rows and
// latency counts.
//
// KEY_LANES invocations share a key, and neighbours read neighbouring parts of it. For the sum, teams of invocations take every TEAMS-th
// key, each team with a softmax of its own, so that a tile needs two barriers. Teams are merged in the end.
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

const LANES: u32 = 256u;   // tune: 64 128 256
const KEY_LANES: u32 = 8u; // tune: 4 8 16
const TILE: u32 = 32u;     // tune: 16 32 64
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of head groups by rows by parts

const D4: u32 = HEAD_DIM / 4u;
const Q4: u32 = (GROUP + 3u) / 4u;
const QUERIES: u32 = 4u * Q4;
const SHARE: u32 = (D4 + KEY_LANES - 1u) / KEY_LANES; // vectors of a key that an invocation reads
const TURNS: u32 = TILE * KEY_LANES / LANES;
const TEAMS: u32 = LANES / D4;
const STEPS: u32 = (TILE + TEAMS - 1u) / TEAMS; // keys of a team in a tile
const FETCHED: u32 = TURNS * SHARE;
const MERGED: u32 = TURNS * Q4; // queries whose teams are put together at a time
const LOWEST: f32 = -3.4e38;

const_assert TILE * KEY_LANES % LANES == 0u;
const_assert TURNS >= 1u && TEAMS >= 1u;
const_assert SHARE * GROUP <= 32u;

@group(0) @binding(1) var<storage, read> query: array<vec4f>;
@group(0) @binding(3) var<storage, read> pages: array<u32>;

var<workgroup> partial: array<vec4f, TILE * KEY_LANES * Q4>; // [key][invocation][query]; in the end [query][team][column]
var<workgroup> scores: array<vec4f, TILE * Q4>; // [key][query]
var<workgroup> maxima: array<vec4f, TEAMS * Q4>;
var<workgroup> denominators: array<vec4f, TEAMS * Q4>;

#import attention/pages
#import attention/part

// What was asked of memory: keys of the next tile before the scores of this one are put together, values of the next before its keys are
// needed. Nothing is held twice, so that more workgroups share the registers of a GPU's core.
var<private> next_keys: array<Cached, FETCHED>;
var<private> next_values: array<Cached, STEPS>;

fn ask_keys(table: u32, kv: u32, first: u32, end: u32, lane: u32) {
    let piece = lane % KEY_LANES;
    for (var turn = 0u; turn < TURNS; turn++) { // unroll
        let key = first + turn * (LANES / KEY_LANES) + lane / KEY_LANES;
        if key < end {
            let at = key_at(table, key, 0u, kv);
            for (var i = 0u; i < SHARE; i++) { // unroll
                if piece + i * KEY_LANES < D4 {
                    next_keys[turn * SHARE + i] = cache[at + piece + i * KEY_LANES];
                }
            }
        }
    }
}

fn ask_values(table: u32, kv: u32, first: u32, end: u32, lane: u32) {
    for (var i = 0u; i < STEPS; i++) { // unroll
        let key = first + i * TEAMS + lane / D4;
        if lane / D4 < TEAMS && key < end {
            next_values[i] = cache[key_at(table, key, 1u, kv) + lane % D4];
        }
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let row = launch.first + group.y;
    let first_head = group.x * GROUP;
    let kv = first_head / (QUERY_HEADS / KV_HEADS);
    let table = rows[row].sequence * PAGES_PER_SEQUENCE;
    let last = rows[row].position;

    let part = part_of(last, last, group.z);
    let begin = part.begin;
    let end = part.end;

    let piece = lane % KEY_LANES;
    var q: array<vec4f, SHARE * 4u * Q4>;
    for (var i = 0u; i < SHARE; i++) { // unroll
        let at = piece + i * KEY_LANES;
        for (var j = 0u; j < GROUP; j++) { // unroll
            if at < D4 {
                q[i * 4u * Q4 + j] = query[(row * QUERY_HEADS + first_head + j) * D4 + at] * SCALE;
            }
        }
    }

    let column = lane % D4;
    let team = lane / D4;
    var maximum: array<vec4f, Q4>;
    var denominator: array<vec4f, Q4>;
    var sum: array<vec4f, 4u * Q4>;
    for (var j = 0u; j < Q4; j++) { // unroll
        maximum[j] = vec4f(LOWEST);
    }

    ask_keys(table, kv, begin, end, lane);
    ask_values(table, kv, begin, end, lane);
    for (var first = begin; first < end; first += TILE) {
        let keys = min(end - first, TILE);
        for (var turn = 0u; turn < TURNS; turn++) { // unroll
            let key = turn * (LANES / KEY_LANES) + lane / KEY_LANES;
            var s = array<vec4f, Q4>();
            for (var i = 0u; i < SHARE; i++) { // unroll
                if piece + i * KEY_LANES < D4 {
                    let k = cached_elements(next_keys[turn * SHARE + i]);
                    for (var j = 0u; j < Q4; j++) { // unroll
                        let one = (i * Q4 + j) * 4u;
                        s[j] += vec4f(dot(k, q[one]), dot(k, q[one + 1u]), dot(k, q[one + 2u]), dot(k, q[one + 3u]));
                    }
                }
            }
            for (var j = 0u; j < Q4; j++) { // unroll
                partial[(key * KEY_LANES + piece) * Q4 + j] = s[j];
            }
        }
        ask_keys(table, kv, first + TILE, end, lane);
        workgroupBarrier();
        for (var i = lane; i < TILE * Q4; i += LANES) {
            // Neighbours begin at different places, which are in different banks.
            var s = vec4f();
            for (var j = 0u; j < KEY_LANES; j++) {
                s += partial[((i / Q4) * KEY_LANES + (j + i) % KEY_LANES) * Q4 + i % Q4];
            }
            scores[i] = score_of(s);
        }
        workgroupBarrier();
        if team < TEAMS {
            for (var j = 0u; j < Q4; j++) { // unroll
                var highest = maximum[j];
                for (var i = 0u; i < STEPS; i++) { // unroll
                    let key = i * TEAMS + team;
                    if key < keys {
                        highest = max(highest, scores[key * Q4 + j]);
                    }
                }
                let correction = exp(maximum[j] - highest);
                maximum[j] = highest;
                denominator[j] *= correction;
                sum[4u * j] *= correction.x;
                sum[4u * j + 1u] *= correction.y;
                sum[4u * j + 2u] *= correction.z;
                sum[4u * j + 3u] *= correction.w;
                for (var i = 0u; i < STEPS; i++) { // unroll
                    let key = i * TEAMS + team;
                    if key < keys {
                        let p = exp(scores[key * Q4 + j] - highest);
                        let value = cached_elements(next_values[i]);
                        denominator[j] += p;
                        sum[4u * j] += p.x * value;
                        sum[4u * j + 1u] += p.y * value;
                        sum[4u * j + 2u] += p.z * value;
                        sum[4u * j + 3u] += p.w * value;
                    }
                }
            }
        }
        ask_values(table, kv, first + TILE, end, lane);
    }

    if team < TEAMS && column == 0u {
        for (var j = 0u; j < Q4; j++) { // unroll
            maxima[team * Q4 + j] = maximum[j];
            denominators[team * Q4 + j] = denominator[j];
        }
    }
    workgroupBarrier();
    for (var first = 0u; first < GROUP; first += MERGED) {
        for (var j = 0u; j < QUERIES; j++) { // unroll
            if team < TEAMS && j >= first && j < first + MERGED {
                partial[((j - first) * TEAMS + team) * D4 + column] = sum[j];
            }
        }
        workgroupBarrier();
        for (var i = lane; i < min(MERGED, GROUP - first) * D4; i += LANES) {
            let j = first + i / D4;
            var highest = LOWEST;
            for (var s = 0u; s < TEAMS; s++) {
                highest = max(highest, maxima[s * Q4 + j / 4u][j % 4u]);
            }
            var total = 0.0;
            var y = vec4f();
            for (var s = 0u; s < TEAMS; s++) {
                let factor = exp(maxima[s * Q4 + j / 4u][j % 4u] - highest);
                total += factor * denominators[s * Q4 + j / 4u][j % 4u];
                y += factor * partial[((j - first) * TEAMS + s) * D4 + i % D4];
            }
            write_part(row, first_head + j, group.z, i % D4, y, highest, total);
        }
        workgroupBarrier();
    }
}
