// Many rows of x with 4-bit weights, in half precision. It is matmul/tile with slices of halves, and a slice is a group of weights.
// Products within a group are summed in halves, two at a time. Groups are summed in f32, where their scale is multiplied in.
//
// Weights are divided by 64, so that a sum of a group stays in the range of a half wherever x itself does. Elements lie in the order of
// stage/eight, in blocks as in matmul/tile.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import input/plain
#import bias/none
#import output/store
#import stage/x
#import stage/q4_small
#import stage/place
#import matmul/slices
#import matmul/store_block

const BM: u32 = 64u;   // tune: 32 64 128
const BN: u32 = 128u;  // tune: 64 128
const TM: u32 = 8u;    // tune: 4 8
const STEPS: u32 = 1u; // tune: 1 2
const BLOCK: vec3u = vec3u(BN / 4u, BM, 1u); // of quads by rows

const QUADS: u32 = 2u;
const TN: u32 = 4u * QUADS;
const ACROSS: u32 = BN / TN;
const DOWN: u32 = BM / TM;
const LANES: u32 = ACROSS * DOWN;
const BK: u32 = CHUNK;
const DEPTH: u32 = BK / 8u; // of a slice, in eights
const SHARE: u32 = max(LANES / BN, 1u); // invocations that stage a row of W together
const WORDS: u32 = 4u / SHARE; // that each of them stages
const SLICES: u32 = (K + BK - 1u) / BK;
const X_LOADS: u32 = BM * DEPTH / LANES;
const W_LOADS: u32 = BN * SHARE / LANES;

const_assert BM % TM == 0u && DOWN % 2u == 0u;
const_assert BM * DEPTH % LANES == 0u;
const_assert BN * SHARE % LANES == 0u && SHARE <= 2u;
const_assert LANES % DEPTH == 0u;
const_assert LANES <= 256u;

// Blocks are multiples of 16 bytes long, so that two vectors can be one load, and lie in different banks.
struct BlockX {
    at: array<array<vec4<f16>, TM + 2u>, 2u * DEPTH>,
    unused: array<vec4<f16>, 2>,
}

struct BlockW {
    at: array<array<vec4<f16>, TN + 2u>, 2u * DEPTH>,
    unused: array<vec4<f16>, 2>,
}

var<workgroup> tile_x: array<BlockX, DOWN>;
var<workgroup> tile_w: array<BlockW, ACROSS>;
var<workgroup> scales_w: array<array<f32, TN>, ACROSS>;

// What an invocation asked memory for.
var<private> next_x: array<FetchedX, X_LOADS>;
var<private> next_w: array<array<u32, 4>, W_LOADS>;
var<private> next_scale: array<u32, W_LOADS>;

fn fetch(slice: u32, first_row: u32, first_quad: u32, lane: u32) {
    for (var i = 0u; i < X_LOADS; i++) { // unroll
        next_x[i] = fetch_x8(min(first_row + staged_row(lane, i), launch.rows - 1u), slice * DEPTH + lane % DEPTH);
    }
    for (var i = 0u; i < W_LOADS; i++) { // unroll
        let n = (lane + i * LANES) / SHARE;
        let row = weight_row(first_quad + n / 4u, n % 4u);
        next_w[i] = packed_words(row, slice);
        next_scale[i] = fetch_scale(row, slice);
    }
}

fn put(slice: u32, first_quad: u32, lane: u32) {
    let k = lane % DEPTH;
    for (var i = 0u; i < X_LOADS; i++) { // unroll
        let m = staged_row(lane, i);
        squares = 0.0;
        let x = finish_x8(next_x[i], slice * DEPTH + k);
        sums[i] += squares;
        tile_x[m / TM].at[2u * k][m % TM] = x.low;
        tile_x[m / TM].at[2u * k + 1u][m % TM] = x.high;
    }
    let share = lane % SHARE;
    for (var i = 0u; i < W_LOADS; i++) { // unroll
        let n = (lane + i * LANES) / SHARE;
        for (var j = 0u; j < WORDS; j++) { // unroll
            let w = small8(select(next_w[i][j], next_w[i][j + 4u - WORDS], share == 1u));
            tile_w[n / TN].at[2u * (share * WORDS + j)][n % TN] = w.low;
            tile_w[n / TN].at[2u * (share * WORDS + j) + 1u][n % TN] = w.high;
        }
        if share == 0u {
            scales_w[n / TN][n % TN] = 64.0 * finish_scale(next_scale[i], weight_row(first_quad + n / 4u, n % 4u), slice);
        }
    }
}

// Added up in half precision first, which takes one conversion instead of two.
fn whole(part: vec2<f16>) -> f32 {
    return f32(part.x + part.y);
}

fn multiply_slice(at: Place, acc: ptr<function, Sums>) {
    var parts = array<vec2<f16>, TM * TN>();
    for (var turn = 0u; turn < 2u * DEPTH / STEPS; turn++) {
        for (var step = 0u; step < STEPS; step++) { // unroll
            let k = turn * STEPS + step;
            var x = array<vec4<f16>, TM>();
            for (var m = 0u; m < TM; m++) { // unroll
                x[m] = tile_x[at.down].at[k][m];
            }
            for (var n = 0u; n < TN; n++) { // unroll
                let w = tile_w[at.across].at[k][n];
                for (var m = 0u; m < TM; m++) { // unroll
                    parts[m * TN + n] = fma(x[m].zw, w.zw, fma(x[m].xy, w.xy, parts[m * TN + n]));
                }
            }
        }
    }
    for (var q = 0u; q < QUADS; q++) { // unroll
        let first = 4u * q;
        let s = &scales_w[at.across];
        let scale = vec4f((*s)[first], (*s)[first + 1u], (*s)[first + 2u], (*s)[first + 3u]);
        for (var m = 0u; m < TM; m++) { // unroll
            let p = m * TN + first;
            let part = vec4f(whole(parts[p]), whole(parts[p + 1u]), whole(parts[p + 2u]), whole(parts[p + 3u]));
            (*acc)[m * QUADS + q] = fma(part, scale, (*acc)[m * QUADS + q]);
        }
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first_row = launch.first + group.y * BM;
    let first_quad = group.x * (BN / 4u);
    let at = place(lane);
    var acc: Sums;
    multiply_slices(first_row, first_quad, at, lane, &acc);
    store_block(first_row, first_quad, at, lane, &acc);
}
