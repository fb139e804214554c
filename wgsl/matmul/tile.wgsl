// Many rows of x: workgroups make tiles of BM rows of x by BN outputs from slices of x and W in workgroup memory, both dequantized to f32.
//
// Memory holds vectors along K, so nothing is transposed. A slice row is one vector longer than BK / 4: neighbouring invocations then read
// different banks. Weight rows are kept quad by quad (all first members, all second members, …) for the same reason.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import input/plain
#import bias/none
#import output/store

const BM: u32 = 64u;   // tune: 16 32 64 128
const BN: u32 = 64u;   // tune: 32 64 128
const BK: u32 = 16u;   // tune: 8 16 32
const TM: u32 = 4u;    // tune: 2 4 8
const QUADS: u32 = 1u; // tune: 1 2 4
const BLOCK: vec3u = vec3u(BN / 4u, BM, 1u); // of quads by rows

const ACROSS: u32 = BN / (4u * QUADS);
const LANES: u32 = ACROSS * (BM / TM);
const DEPTH: u32 = BK / 4u;
const STRIDE_K: u32 = DEPTH + 1u;
const SLICES: u32 = (K + BK - 1u) / BK;
const X_LOADS: u32 = BM * DEPTH / LANES;
const W_LOADS: u32 = BN * DEPTH / LANES;

const_assert BM % TM == 0u;
const_assert BM * DEPTH % LANES == 0u;
const_assert BN * DEPTH % LANES == 0u;
const_assert LANES % DEPTH == 0u;
const_assert LANES <= 256u;

var<workgroup> tile_x: array<vec4f, BM * STRIDE_K>;
var<workgroup> tile_w: array<vec4f, BN * STRIDE_K>;

// What an invocation asked memory for, and the squares of x that it has seen.
var<private> next_x: array<vec4f, X_LOADS>;
var<private> next_w: array<Fetched, W_LOADS>;
var<private> sums: array<f32, X_LOADS>;

fn fetch(slice: u32, first_row: u32, first_quad: u32, lane: u32) {
    let k4 = slice * DEPTH + lane % DEPTH;
    if K % BK == 0u || 4u * k4 < K {
        for (var i = 0u; i < X_LOADS; i++) { // unroll
            let m = lane / DEPTH + i * (LANES / DEPTH);
            next_x[i] = fetch_input4(min(first_row + m, launch.rows - 1u), k4);
        }
        for (var i = 0u; i < W_LOADS; i++) { // unroll
            let n = lane / DEPTH + i * (LANES / DEPTH);
            next_w[i] = fetch_weight4(weight_row(first_quad + n / 4u, n % 4u), k4);
        }
    }
}

fn put(slice: u32, first_quad: u32, lane: u32) {
    let k4 = slice * DEPTH + lane % DEPTH;
    let inside = K % BK == 0u || 4u * k4 < K;
    for (var i = 0u; i < X_LOADS; i++) { // unroll
        let m = lane / DEPTH + i * (LANES / DEPTH);
        squares = 0.0;
        let x = finish_input4(next_x[i], k4);
        sums[i] += select(0.0, squares, inside);
        tile_x[m * STRIDE_K + lane % DEPTH] = select(vec4f(), x, inside);
    }
    for (var i = 0u; i < W_LOADS; i++) { // unroll
        let n = lane / DEPTH + i * (LANES / DEPTH);
        let w = finish_weight4(next_w[i], weight_row(first_quad + n / 4u, n % 4u), k4);
        tile_w[((n % 4u) * (BN / 4u) + n / 4u) * STRIDE_K + lane % DEPTH] = select(vec4f(), w, inside);
    }
}

fn fma4(a: vec4f, b: vec4f, c: f32) -> f32 {
    return fma(a.x, b.x, fma(a.y, b.y, fma(a.z, b.z, fma(a.w, b.w, c))));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first_row = launch.first + group.y * BM;
    let first_quad = group.x * (BN / 4u);
    let down = lane / ACROSS;
    let across = lane % ACROSS;
    var acc: array<vec4f, TM * QUADS>;
    fetch(0u, first_row, first_quad, lane);
    // A turn asks memory for the next slice, multiplies this one, and only then needs what it asked for.
    for (var slice = 0u; slice < SLICES; slice++) {
        put(slice, first_quad, lane);
        workgroupBarrier();
        if slice + 1u < SLICES {
            fetch(slice + 1u, first_row, first_quad, lane);
        }
        for (var k = 0u; k < DEPTH; k++) {
            var x = array<vec4f, TM>();
            for (var m = 0u; m < TM; m++) { // unroll
                x[m] = tile_x[(down + m * (BM / TM)) * STRIDE_K + k];
            }
            for (var q = 0u; q < QUADS; q++) { // unroll
                let n = across + q * ACROSS;
                let w0 = tile_w[n * STRIDE_K + k];
                let w1 = tile_w[(BN / 4u + n) * STRIDE_K + k];
                let w2 = tile_w[(BN / 2u + n) * STRIDE_K + k];
                let w3 = tile_w[(3u * BN / 4u + n) * STRIDE_K + k];
                for (var m = 0u; m < TM; m++) { // unroll
                    let c = acc[m * QUADS + q];
                    acc[m * QUADS + q] = vec4f(fma4(x[m], w0, c.x), fma4(x[m], w1, c.y), fma4(x[m], w2, c.z), fma4(x[m], w3, c.w));
                }
            }
        }
        workgroupBarrier();
    }
    if NORM {
        for (var i = 0u; i < X_LOADS; i++) { // unroll
            tile_x[(lane / DEPTH + i * (LANES / DEPTH)) * STRIDE_K + lane % DEPTH].x = sums[i];
        }
        workgroupBarrier();
    }
    for (var m = 0u; m < TM; m++) { // unroll
        let tile_row = down + m * (BM / TM);
        let row = first_row + tile_row;
        var scale = 1.0;
        if NORM {
            var total = 0.0;
            for (var k = 0u; k < DEPTH; k++) {
                total += tile_x[tile_row * STRIDE_K + k].x;
            }
            scale = input_scale(total);
        }
        if row < launch.rows {
            for (var q = 0u; q < QUADS; q++) { // unroll
                let quad = first_quad + across + q * ACROSS;
                store4(row, quad, add_bias(quad, acc[m * QUADS + q] * scale));
            }
        }
    }
}
