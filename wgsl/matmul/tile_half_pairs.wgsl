// Many rows of x with 4-bit weights, in half precision: as matmul/tile_half, but the two halves of a vector are products of two outputs rather
// than of two elements of x. Sums then take half as many registers and need not be added up, at the price of x one element at a time. They
// are as long as there, so that each group of weights has two of them, one after the other.
//
// An invocation stages four rows of W, a quad, so that what it stores are quads. Blocks of W are in the order in which x is read.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import input/plain
#import bias/none
#import output/store
#import stage/x
#import stage/q4_pairs
#import stage/place
#import stage/squares

const BM: u32 = 64u;   // tune: 32 64
const BN: u32 = 128u;  // tune: 64 128
const TM: u32 = 8u;    // tune: 4 8
const QUADS: u32 = 2u; // tune: 1 2
const BLOCK: vec3u = vec3u(BN / 4u, BM, 1u); // of quads by rows

const ACROSS: u32 = BN / (4u * QUADS);
const DOWN: u32 = BM / TM;
const LANES: u32 = ACROSS * DOWN;
const BK: u32 = CHUNK;
const DEPTH: u32 = BK / 8u; // of a slice, in eights
const HALVES: u32 = 2u; // vectors of an eight of x
const FOUR: u32 = 4u; // elements of one
const EIGHT: u32 = 8u;
const SUMS: u32 = 2u; // of a slice
const SLICES: u32 = (K + BK - 1u) / BK;
const X_LOADS: u32 = BM * DEPTH / LANES;
const W_LOADS: u32 = BN / 4u * DEPTH / LANES;
const SCALE_LOADS: u32 = BN / LANES;

const_assert BM % TM == 0u && DOWN % 2u == 0u;
const_assert BM * DEPTH % LANES == 0u;
const_assert BN % LANES == 0u;
const_assert LANES % DEPTH == 0u;
const_assert LANES <= 256u;

struct BlockX {
    at: array<array<vec4<f16>, TM + 2u>, 2u * DEPTH>,
    unused: vec4<f16>,
}

// By eights, the elements of one, and quads; the ninth element of an eight is unused.
struct BlockW {
    at: array<array<array<vec4<f16>, QUADS>, 9>, DEPTH>,
    unused: array<vec4<f16>, QUADS>,
}

var<workgroup> tile_x: array<BlockX, DOWN>;
var<workgroup> tile_w: array<BlockW, ACROSS>;
var<workgroup> scales_w: array<array<f32, 4u * QUADS>, ACROSS>;

// What an invocation asked memory for.
var<private> next_x: array<FetchedX, X_LOADS>;
var<private> next_w: array<vec4u, W_LOADS>;
var<private> next_scale: array<u32, SCALE_LOADS>;

fn fetch(slice: u32, first_row: u32, first_quad: u32, lane: u32) {
    let k8 = slice * DEPTH + lane % DEPTH;
    for (var i = 0u; i < X_LOADS; i++) { // unroll
        next_x[i] = fetch_x8(min(first_row + staged_row(lane, i), launch.rows - 1u), k8);
    }
    for (var i = 0u; i < W_LOADS; i++) { // unroll
        let quad = first_quad + staged_row(lane, i);
        next_w[i] = vec4u(
            word(weight_row(quad, 0u), k8), word(weight_row(quad, 1u), k8), word(weight_row(quad, 2u), k8), word(weight_row(quad, 3u), k8),
        );
    }
    for (var i = 0u; i < SCALE_LOADS; i++) { // unroll
        let n = lane + i * LANES;
        next_scale[i] = fetch_scale(weight_row(first_quad + n / 4u, n % 4u), slice);
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
    for (var i = 0u; i < W_LOADS; i++) { // unroll
        let quad = staged_row(lane, i);
        let w = small_quads(next_w[i]);
        for (var e = 0u; e < EIGHT; e++) { // unroll
            tile_w[quad / QUADS].at[k][e][quad % QUADS] = w[e];
        }
    }
    for (var i = 0u; i < SCALE_LOADS; i++) { // unroll
        let n = lane + i * LANES;
        let scale = 64.0 * finish_scale(next_scale[i], weight_row(first_quad + n / 4u, n % 4u), slice);
        scales_w[n / 4u / QUADS][n % (4u * QUADS)] = scale;
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first_row = launch.first + group.y * BM;
    let first_quad = group.x * (BN / 4u);
    let at = place(lane);
    var acc: array<vec4f, TM * QUADS>;
    fetch(0u, first_row, first_quad, lane);
    // A turn asks memory for the next slice, multiplies this one, and only then needs what it asked for.
    for (var slice = 0u; slice < SLICES; slice++) {
        put(slice, first_quad, lane);
        workgroupBarrier();
        if slice + 1u < SLICES {
            fetch(slice + 1u, first_row, first_quad, lane);
        }
        for (var part = 0u; part < SUMS; part++) {
            var parts = array<vec4<f16>, TM * QUADS>();
            for (var turn = 0u; turn < DEPTH / SUMS; turn++) {
                let k = part * (DEPTH / SUMS) + turn;
                for (var h = 0u; h < HALVES; h++) { // unroll
                    var x = array<vec4<f16>, TM>();
                    for (var m = 0u; m < TM; m++) { // unroll
                        x[m] = tile_x[at.down].at[2u * k + h][m];
                    }
                    for (var c = 0u; c < FOUR; c++) { // unroll
                        for (var q = 0u; q < QUADS; q++) { // unroll
                            let w = tile_w[at.across].at[k][4u * h + c][q];
                            for (var m = 0u; m < TM; m++) { // unroll
                                parts[m * QUADS + q] = fma(vec4<f16>(x[m][c]), w, parts[m * QUADS + q]);
                            }
                        }
                    }
                }
            }
            for (var q = 0u; q < QUADS; q++) { // unroll
                let first = 4u * q;
                let s = &scales_w[at.across];
                let scale = vec4f((*s)[first], (*s)[first + 1u], (*s)[first + 2u], (*s)[first + 3u]);
                for (var m = 0u; m < TM; m++) { // unroll
                    acc[m * QUADS + q] = fma(vec4f(parts[m * QUADS + q]), scale, acc[m * QUADS + q]);
                }
            }
        }
        workgroupBarrier();
    }
    add_squares(lane);
    for (var m = 0u; m < TM; m++) { // unroll
        let tile_row = at.down * TM + m;
        let row = first_row + tile_row;
        let scale = row_scale(tile_row);
        if row < launch.rows {
            for (var q = 0u; q < QUADS; q++) { // unroll
                let quad = first_quad + at.across * QUADS + q;
                store4(row, quad, add_bias(quad, acc[m * QUADS + q] * scale));
            }
        }
    }
}
