// Many rows of x: workgroups make tiles of BM rows of x by BN outputs from slices of x and W in workgroup memory, both dequantized to f32.
//
// An invocation makes TM rows by QUADS quads. Workgroup memory holds what it reads together: a block for each invocation, with a vector
// along K of each of its rows. So only the block and the place along K are indices that the device computes, and checks, at each turn; rows
// are constants. There is some padding between vectors and between blocks, so that neighbouring invocations meet different banks, whether
// they write or read.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import input/plain
#import bias/none
#import output/store
#import stage/place
#import matmul/slices
#import matmul/store_block

const BM: u32 = 64u;   // tune: 16 32 64 128
const BN: u32 = 64u;   // tune: 32 64 128
const BK: u32 = 16u;   // tune: 8 16 32
const TM: u32 = 4u;    // tune: 2 4 8
const QUADS: u32 = 1u; // tune: 1 2 4
const BLOCK: vec3u = vec3u(BN / 4u, BM, 1u); // of quads by rows

const TN: u32 = 4u * QUADS;
const ACROSS: u32 = BN / TN;
const DOWN: u32 = BM / TM;
const LANES: u32 = ACROSS * DOWN;
const DEPTH: u32 = BK / 4u; // of a slice, in vectors
const SLICES: u32 = (K + BK - 1u) / BK;
const X_LOADS: u32 = BM * DEPTH / LANES;
const W_LOADS: u32 = BN * DEPTH / LANES;

const_assert BM % TM == 0u && DOWN % 2u == 0u;
const_assert BM * DEPTH % LANES == 0u;
const_assert BN * DEPTH % LANES == 0u;
const_assert LANES % DEPTH == 0u;
const_assert LANES <= 256u;

struct BlockX {
    at: array<array<vec4f, TM + TM / 4u>, DEPTH>,
    unused: vec4f,
}

struct BlockW {
    at: array<array<vec4f, TN + TN / 4u>, DEPTH>,
    unused: vec4f,
}

var<workgroup> tile_x: array<BlockX, DOWN>;
var<workgroup> tile_w: array<BlockW, ACROSS>;

// What an invocation asked memory for.
var<private> next_x: array<vec4f, X_LOADS>;
var<private> next_w: array<Fetched, W_LOADS>;

fn fetch(slice: u32, first_row: u32, first_quad: u32, lane: u32) {
    let k4 = slice * DEPTH + lane % DEPTH;
    if K % BK == 0u || 4u * k4 < K {
        for (var i = 0u; i < X_LOADS; i++) { // unroll
            next_x[i] = fetch_input4(min(first_row + staged_row(lane, i), launch.rows - 1u), k4);
        }
        for (var i = 0u; i < W_LOADS; i++) { // unroll
            let n = staged_row(lane, i);
            next_w[i] = fetch_weight4(weight_row(first_quad + n / 4u, n % 4u), k4);
        }
    }
}

fn put(slice: u32, first_quad: u32, lane: u32) {
    let k = lane % DEPTH;
    let k4 = slice * DEPTH + k;
    let inside = K % BK == 0u || 4u * k4 < K;
    for (var i = 0u; i < X_LOADS; i++) { // unroll
        let m = staged_row(lane, i);
        squares = 0.0;
        let x = finish_input4(next_x[i], k4);
        sums[i] += select(0.0, squares, inside);
        tile_x[m / TM].at[k][m % TM] = select(vec4f(), x, inside);
    }
    for (var i = 0u; i < W_LOADS; i++) { // unroll
        let n = staged_row(lane, i);
        let w = finish_weight4(next_w[i], weight_row(first_quad + n / 4u, n % 4u), k4);
        tile_w[n / TN].at[k][n % TN] = select(vec4f(), w, inside);
    }
}

fn fma4(a: vec4f, b: vec4f, c: f32) -> f32 {
    return fma(a.x, b.x, fma(a.y, b.y, fma(a.z, b.z, fma(a.w, b.w, c))));
}

fn multiply_slice(at: Place, acc: ptr<function, Sums>) {
    for (var k = 0u; k < DEPTH; k++) {
        var x = array<vec4f, TM>();
        for (var m = 0u; m < TM; m++) { // unroll
            x[m] = tile_x[at.down].at[k][m];
        }
        for (var q = 0u; q < QUADS; q++) { // unroll
            let w0 = tile_w[at.across].at[k][4u * q];
            let w1 = tile_w[at.across].at[k][4u * q + 1u];
            let w2 = tile_w[at.across].at[k][4u * q + 2u];
            let w3 = tile_w[at.across].at[k][4u * q + 3u];
            for (var m = 0u; m < TM; m++) { // unroll
                let c = (*acc)[m * QUADS + q];
                (*acc)[m * QUADS + q] = vec4f(fma4(x[m], w0, c.x), fma4(x[m], w1, c.y), fma4(x[m], w2, c.z), fma4(x[m], w3, c.w));
            }
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
