// Attention of many rows on matrix units: keys and values in tiles of TILE, with a running softmax. A workgroup takes QUERIES queries: the
// GROUP query heads that share a key head, of ROWS neighbouring rows. Subgroups of 32 are laid out DOWN by ACROSS. Those of a line have the
// same 16 * SM queries. Each makes the scores of its share of the tile's keys, and then the sum of its share of the elements.
//
// Keys and values of a tile use the same workgroup memory, one after the other. Each is read from the cache while the other is multiplied.
// Elements of fragments have no address, so scores go through workgroup memory. There TEAM invocations a query make the softmax in single
// precision; the results go back in half precision. They are relative to a reference that is no more than 2^GROWTH below the greatest score
// so far. Only when a score grows by more are the sums scaled, through memory as well.
#import lib/launch
#import lib/rows
#import lib/half
#import attention/write_whole
#import attention/score

const QUERY_HEADS: u32 = 4u;
const KV_HEADS: u32 = 2u;
const HEAD_DIM: u32 = 32u;
const GROUP: u32 = 2u;
const WINDOW: u32 = 0xffffffffu;
const SCALE: f32 = 0.17677669;
const PAGES_PER_SEQUENCE: u32 = 4u;

const DOWN: u32 = 4u;   // tune: 2 4
const ACROSS: u32 = 2u; // tune: 1 2 4
const SM: u32 = 1u;     // tune: 1 2
const TILE: u32 = 64u;  // tune: 32 64 128
const QUERIES: u32 = 16u * SM * DOWN;
const ROWS: u32 = QUERIES / GROUP;
const BLOCK: vec3u = vec3u(1u, ROWS, 1u); // of head groups by rows by segments

const SUBGROUPS: u32 = DOWN * ACROSS;
const LANES: u32 = 32u * SUBGROUPS;
const D4: u32 = HEAD_DIM / 4u;
const D8: u32 = HEAD_DIM / 8u;
const D16: u32 = HEAD_DIM / 16u;
const KEYS: u32 = TILE / (16u * ACROSS); // fragments of keys that a subgroup makes the scores of
const COLUMNS: u32 = D16 / ACROSS;       // fragments of elements that it sums
const SCORES: u32 = SM * KEYS;
const DEEP: u32 = TILE / 16u;
const TEAM: u32 = 2u * ACROSS / SM;
const STEPS: u32 = firstLeadingBit(TEAM);
const QUADS: u32 = TILE / (4u * TEAM); // of scores that an invocation sees
const LOADS: u32 = (TILE * D8 + LANES - 1u) / LANES;
const VALUES: u32 = KV_HEADS * PAGE_SIZE * D8; // from a key to its value

// Lines of workgroup memory are longer than what they hold, so that neighbouring ones begin in different banks.
const PITCH: u32 = D4 + 2u;
const SCORE_PITCH: u32 = DEEP * 4u + 2u;

const LOG2E: f32 = 1.4426950;
const LOWEST: f32 = -3.4e38; // of what is not seen
const UNSEEN: f32 = -1e30;   // the reference before anything is seen: far above, so that what is not seen counts for nothing
const GROWTH: f32 = 8.0;

const_assert HEAD_DIM % (16u * ACROSS) == 0u;
const_assert TILE % (16u * ACROSS) == 0u;
const_assert LANES <= 256u && QUERIES >= GROUP;

// Of a key or value.
struct Piece {
    low: vec4<f16>,
    high: vec4<f16>,
}

@group(0) @binding(1) var<storage, read> query: array<vec4f>;
@group(0) @binding(2) var<storage, read> cache: array<Piece>;
@group(0) @binding(3) var<storage, read> pages: array<u32>;

// Fragments may be loaded from multiples of 16 bytes only. Drivers order variables as they like, and put halves on multiples of eight. So
// every size is a multiple of 16, that of `grown` for two subgroups as well.
var<workgroup> tile: array<vec4<f16>, max(TILE, 16u * DOWN) * PITCH>; // first queries, then keys and values in turn
var<workgroup> scores: array<vec4f, QUERIES * SCORE_PITCH>;
var<workgroup> shares: array<vec4<f16>, QUERIES * SCORE_PITCH>;
var<workgroup> factors: array<f32, QUERIES>;
var<workgroup> grown: array<u32, max(SUBGROUPS, 4u)>;

#import attention/pages
#import attention/segments

// Where the keys lie that this invocation copies, known a tile ahead, and what it asked of the cache.
var<private> places: array<u32, LOADS>;
var<private> next: array<Piece, LOADS>;

// Behind the last key the last one is read again. It must be finite: zero times NaN is NaN.
fn find(table: u32, kv: u32, first: u32, end: u32, lane: u32) {
    for (var i = 0u; i < LOADS; i++) { // unroll
        let position = min(first + (lane + i * LANES) / D8, end - 1u);
        places[i] = key_at(table, position, 0u, kv) / 2u + (lane + i * LANES) % D8;
    }
}

fn fetch(offset: u32) {
    for (var i = 0u; i < LOADS; i++) { // unroll
        next[i] = cache[places[i] + offset];
    }
}

fn put(lane: u32) {
    for (var i = 0u; i < LOADS; i++) { // unroll
        let at = lane + i * LANES;
        if TILE * D8 % LANES == 0u || at < TILE * D8 {
            let to = at / D8 * PITCH + at % D8 * 2u;
            tile[to] = next[i].low;
            tile[to + 1u] = next[i].high;
        }
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let start = segments[group.z];
    let behind = segments[group.z + 1u];
    let tiles = (behind - start + ROWS - 1u) / ROWS;
    if group.y >= tiles {
        return;
    }
    // The last rows see the most keys, and begin first.
    let first_row = start + (tiles - 1u - group.y) * ROWS;
    let last_row = min(first_row + ROWS, behind) - 1u;
    let first_head = group.x * GROUP;
    let kv = first_head / (QUERY_HEADS / KV_HEADS);
    let table = rows[first_row].sequence * PAGES_PER_SEQUENCE;
    let first_position = rows[first_row].position;
    let last_position = rows[last_row].position;

    // The keys that any of the rows sees, from the beginning of a page.
    let oldest = select(0u, first_position - (WINDOW - 1u), first_position >= WINDOW - 1u);
    let begin = oldest / PAGE_SIZE * PAGE_SIZE;
    let end = last_position + 1u;

    let subgroup = lane / 32u;
    let down = subgroup / ACROSS;
    let across = subgroup % ACROSS;
    var q: array<coop_mat16x16<f16, A>, SM * D16>;
    var s: array<coop_mat16x16<f32, C>, SCORES>;
    var p: array<coop_mat16x16<f16, A>, SM>;
    var sums: array<coop_mat16x16<f32, C>, SM * COLUMNS>;
    var zero: coop_mat16x16<f32, C>;

    // The query whose statistics this invocation keeps with its team, and the quads of scores of which it takes every TEAM-th.
    let mine = lane / TEAM;
    let member = lane % TEAM;
    let position = rows[min(first_row + mine / GROUP, last_row)].position;
    var reference = UNSEEN;
    var denominator = 0.0;

    find(table, kv, begin, end, lane);
    fetch(0u);
    for (var i = 0u; i < SM; i++) { // unroll
        for (var at = lane; at < 16u * DOWN * D4; at += LANES) {
            let m = i * 16u * DOWN + at / D4;
            let row = min(first_row + m / GROUP, last_row);
            let x = query[(row * QUERY_HEADS + first_head + m % GROUP) * D4 + at % D4];
            tile[at / D4 * PITCH + at % D4] = half4(x * (SCALE * LOG2E));
        }
        workgroupBarrier();
        for (var d = 0u; d < D16; d++) { // unroll
            q[i * D16 + d] = coopLoadT<coop_mat16x16<f16, A>>(&tile[down * 16u * PITCH + d * 4u], PITCH);
        }
        workgroupBarrier();
    }
    put(lane);
    workgroupBarrier();

    for (var first = begin; first < end; first += TILE) {
        fetch(VALUES);
        find(table, kv, first + TILE, end, lane);
        for (var i = 0u; i < SCORES; i++) { // unroll
            s[i] = zero;
        }
        for (var d = 0u; d < D16; d++) { // unroll
            for (var j = 0u; j < KEYS; j++) { // unroll
                let k = coopLoad<coop_mat16x16<f16, B>>(&tile[(across * KEYS + j) * 16u * PITCH + d * 4u], PITCH);
                for (var i = 0u; i < SM; i++) { // unroll
                    s[i * KEYS + j] = coopMultiplyAdd(q[i * D16 + d], k, s[i * KEYS + j]);
                }
            }
        }
        for (var i = 0u; i < SM; i++) { // unroll
            for (var j = 0u; j < KEYS; j++) { // unroll
                coopStoreT(s[i * KEYS + j], &scores[(i * DOWN + down) * 16u * SCORE_PITCH + (across * KEYS + j) * 4u], SCORE_PITCH);
            }
        }
        workgroupBarrier();

        // The keys have been multiplied: their place is the values'.
        put(lane);
        if first + TILE < end {
            fetch(0u);
        }
        let masked = first + TILE - 1u > first_position || last_position - first >= WINDOW;
        var x = array<vec4f, QUADS>();
        var highest = LOWEST;
        for (var i = 0u; i < QUADS; i++) { // unroll
            x[i] = log2_score_of(scores[mine * SCORE_PITCH + i * TEAM + member]);
            if masked {
                let key = vec4u(first + (i * TEAM + member) * 4u) + vec4u(0u, 1u, 2u, 3u);
                x[i] = select(vec4f(LOWEST), x[i], (key <= vec4u(position)) & (vec4u(position) - key < vec4u(WINDOW)));
            }
            highest = max(highest, max(max(x[i].x, x[i].y), max(x[i].z, x[i].w)));
        }
        for (var i = 0u; i < STEPS; i++) { // unroll
            highest = max(highest, subgroupShuffleXor(highest, 1u << i));
        }
        let grows = highest > reference + GROWTH;
        let any_grows = subgroupAny(grows && reference > UNSEEN);
        let now = select(reference, highest, grows);
        let factor = exp2(reference - now);
        reference = now;
        denominator *= factor;
        for (var i = 0u; i < QUADS; i++) { // unroll
            let y = exp2(x[i] - now);
            denominator += y.x + y.y + y.z + y.w;
            shares[mine * SCORE_PITCH + i * TEAM + member] = vec4<f16>(y);
        }
        if member == 0u {
            factors[mine] = factor;
        }
        if lane % 32u == 0u {
            grown[subgroup] = select(0u, 1u, any_grows);
        }

        // A barrier before and after, for the values as well.
        let growing = workgroupUniformLoad(&grown);
        let half = growing[0] | growing[1u % SUBGROUPS] | growing[2u % SUBGROUPS] | growing[3u % SUBGROUPS];
        let other_half = growing[4u % SUBGROUPS] | growing[5u % SUBGROUPS] | growing[6u % SUBGROUPS] | growing[7u % SUBGROUPS];
        if (half | other_half) != 0u {
            for (var j = 0u; j < COLUMNS; j++) { // unroll
                for (var i = 0u; i < SM; i++) { // unroll
                    coopStoreT(sums[i * COLUMNS + j], &scores[(i * DOWN + down) * 16u * SCORE_PITCH + across * 4u], SCORE_PITCH);
                }
                workgroupBarrier();
                for (var i = 0u; i < SM; i++) { // unroll
                    for (var turn = 0u; turn < 2u; turn++) {
                        let place = lane % 32u + 32u * turn;
                        let m = (i * DOWN + down) * 16u + place / 4u;
                        scores[m * SCORE_PITCH + across * 4u + place % 4u] *= factors[m];
                    }
                }
                workgroupBarrier();
                for (var i = 0u; i < SM; i++) { // unroll
                    sums[i * COLUMNS + j] = coopLoadT<coop_mat16x16<f32, C>>(&scores[(i * DOWN + down) * 16u * SCORE_PITCH + across * 4u], SCORE_PITCH);
                }
                workgroupBarrier();
            }
        }

        for (var k = 0u; k < DEEP; k++) { // unroll
            for (var i = 0u; i < SM; i++) { // unroll
                p[i] = coopLoadT<coop_mat16x16<f16, A>>(&shares[(i * DOWN + down) * 16u * SCORE_PITCH + k * 4u], SCORE_PITCH);
            }
            for (var j = 0u; j < COLUMNS; j++) { // unroll
                let v = coopLoadT<coop_mat16x16<f16, B>>(&tile[k * 16u * PITCH + (across * COLUMNS + j) * 4u], PITCH);
                for (var i = 0u; i < SM; i++) { // unroll
                    sums[i * COLUMNS + j] = coopMultiplyAdd(p[i], v, sums[i * COLUMNS + j]);
                }
            }
        }
        workgroupBarrier();
        if first + TILE < end {
            put(lane);
        }
        workgroupBarrier();
    }

    for (var i = 0u; i < STEPS; i++) { // unroll
        denominator += subgroupShuffleXor(denominator, 1u << i);
    }
    if member == 0u {
        factors[mine] = denominator;
    }
    for (var j = 0u; j < COLUMNS; j++) { // unroll
        for (var i = 0u; i < SM; i++) { // unroll
            coopStoreT(sums[i * COLUMNS + j], &scores[(i * DOWN + down) * 16u * SCORE_PITCH + across * 4u], SCORE_PITCH);
        }
        workgroupBarrier();
        for (var i = 0u; i < SM; i++) { // unroll
            for (var turn = 0u; turn < 2u; turn++) {
                let place = lane % 32u + 32u * turn;
                let m = (i * DOWN + down) * 16u + place / 4u;
                let row = first_row + m / GROUP;
                if m < ROWS * GROUP && row <= last_row {
                    let sum = scores[m * SCORE_PITCH + across * 4u + place % 4u];
                    write_part(row, first_head + m % GROUP, 0u, (across * COLUMNS + j) * 4u + place % 4u, sum, 0.0, factors[m]);
                }
            }
        }
        workgroupBarrier();
    }
}
