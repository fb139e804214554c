// Many rows of x as int8, with 4-bit weights as int8. It is matmul/tile with slices of int8. Within a group of 32, four products at a time
// are summed in integers. Groups are summed in f32, where the scales of x and W are multiplied in.
//
// An integer becomes a float without a conversion, which is slow on GPUs: sums begin with the bits of 1.5 * 2^23, and fit into its
// mantissa. Weight rows lie quad by quad (all first members, all second members, ...), and slice rows are one vector longer than their
// halves of groups. So neighbouring invocations read different banks.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import quant/bytes
#import input/bytes
#import bias/none
#import output/store
#import stage/lines
#import matmul/slices

const BM: u32 = 64u;   // tune: 32 64 128
const BN: u32 = 64u;   // tune: 32 64 128
const TM: u32 = 8u;    // tune: 4 8
const QUADS: u32 = 2u; // tune: 1 2
const DEEP: u32 = 1u;  // tune: 1 2
const BLOCK: vec3u = vec3u(BN / 4u, BM, 1u); // of quads by rows

const ACROSS: u32 = BN / (4u * QUADS);
const LANES: u32 = ACROSS * (BM / TM);
const QUAD: u32 = 4u; // outputs of one
const HALVES: u32 = 2u * DEEP; // of the groups of a slice
const PITCH: u32 = HALVES + 1u;
const SLICES: u32 = (GROUPS + DEEP - 1u) / DEEP;
const X_LOADS: u32 = BM * HALVES / LANES;
const W_LOADS: u32 = BN * HALVES / LANES;

const_assert BM % TM == 0u;
const_assert BM * HALVES % LANES == 0u;
const_assert BN * HALVES % LANES == 0u;
const_assert LANES % HALVES == 0u;
const_assert LANES <= 256u;

alias Sums = array<f32, 4u * TM * QUADS>;

struct FetchedHalf {
    words: vec2u,
    scale: u32,
}

var<workgroup> tile_x: array<vec4u, BM * PITCH>;
var<workgroup> tile_w: array<vec4u, BN * PITCH>;
var<workgroup> scales_x: array<f32, BM * DEEP>; // [group][row]
var<workgroup> scales_w: array<f32, BN * DEEP>;

// What an invocation asked memory for.
var<private> next_x: array<vec4u, X_LOADS>;
var<private> next_scales: array<f32, X_LOADS>;
var<private> next_w: array<FetchedHalf, W_LOADS>;

fn fetch(slice: u32, first_row: u32, first_quad: u32, lane: u32) {
    let half = slice * HALVES + lane % HALVES;
    if GROUPS % DEEP == 0u || half < 2u * GROUPS {
        for (var i = 0u; i < X_LOADS; i++) { // unroll
            let row = min(first_row + lane / HALVES + i * (LANES / HALVES), launch.rows - 1u);
            next_x[i] = fetch_bytes(row, half);
            next_scales[i] = fetch_byte_scale(row, half / 2u);
        }
        for (var i = 0u; i < W_LOADS; i++) { // unroll
            let n = lane / HALVES + i * (LANES / HALVES);
            let row = weight_row(first_quad + n / 4u, n % 4u);
            let words = packed_words(row, half); // quant/words2 takes the place of quant/words4
            next_w[i] = FetchedHalf(vec2u(words[0], words[1]), fetch_scale(row, half / 2u));
        }
    }
}

fn put(slice: u32, first_quad: u32, lane: u32) {
    let half = slice * HALVES + lane % HALVES;
    let inside = GROUPS % DEEP == 0u || half < 2u * GROUPS;
    let group = lane % HALVES / 2u;
    for (var i = 0u; i < X_LOADS; i++) { // unroll
        let m = lane / HALVES + i * (LANES / HALVES);
        tile_x[m * PITCH + lane % HALVES] = select(vec4u(), next_x[i], inside);
        if lane % 2u == 0u {
            scales_x[group * BM + m] = select(0.0, next_scales[i], inside);
        }
    }
    for (var i = 0u; i < W_LOADS; i++) { // unroll
        let n = lane / HALVES + i * (LANES / HALVES);
        tile_w[((n % 4u) * (BN / 4u) + n / 4u) * PITCH + lane % HALVES] = weight_bytes(next_w[i].words);
        if lane % 2u == 0u {
            let scale = finish_scale(next_w[i].scale, weight_row(first_quad + n / 4u, n % 4u), half / 2u);
            scales_w[group * BN + n] = select(0.0, scale, inside);
        }
    }
}

fn dot_group(x0: vec4u, x1: vec4u, w0: vec4u, w1: vec4u) -> f32 {
    let low = 0x4b400000i + dot4I8Packed(x0.x, w0.x) + dot4I8Packed(x0.y, w0.y) + dot4I8Packed(x0.z, w0.z) + dot4I8Packed(x0.w, w0.w);
    let all = low + dot4I8Packed(x1.x, w1.x) + dot4I8Packed(x1.y, w1.y) + dot4I8Packed(x1.z, w1.z) + dot4I8Packed(x1.w, w1.w);
    return bitcast<f32>(all) - 12582912.0;
}

fn multiply_slice(at: Place, acc: ptr<function, Sums>) {
    for (var g = 0u; g < DEEP; g++) {
        var x0 = array<vec4u, TM>();
        var x1 = array<vec4u, TM>();
        var scale_x = array<f32, TM>();
        for (var m = 0u; m < TM; m++) { // unroll
            let tile_row = at.down + m * (BM / TM);
            x0[m] = tile_x[tile_row * PITCH + 2u * g];
            x1[m] = tile_x[tile_row * PITCH + 2u * g + 1u];
            scale_x[m] = scales_x[g * BM + tile_row];
        }
        for (var q = 0u; q < QUADS; q++) { // unroll
            for (var i = 0u; i < QUAD; i++) { // unroll
                let n = at.across + q * ACROSS;
                let w0 = tile_w[(i * (BN / 4u) + n) * PITCH + 2u * g];
                let w1 = tile_w[(i * (BN / 4u) + n) * PITCH + 2u * g + 1u];
                let scale_w = scales_w[g * BN + 4u * n + i];
                for (var m = 0u; m < TM; m++) { // unroll
                    let part = dot_group(x0[m], x1[m], w0, w1) * scale_x[m];
                    (*acc)[(m * QUADS + q) * 4u + i] = fma(part, scale_w, (*acc)[(m * QUADS + q) * 4u + i]);
                }
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
    for (var m = 0u; m < TM; m++) { // unroll
        let row = first_row + at.down + m * (BM / TM);
        if row < launch.rows {
            for (var q = 0u; q < QUADS; q++) { // unroll
                let first = (m * QUADS + q) * 4u;
                let quad = first_quad + at.across + q * ACROSS;
                store4(row, quad, add_bias(quad, vec4f(acc[first], acc[first + 1u], acc[first + 2u], acc[first + 3u])));
            }
        }
    }
}
