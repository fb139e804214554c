// Many rows of x with 4-bit weights, in half precision: as matmul/tile, but slices hold halves, a slice is a group of weights, and products
// within a group are summed in halves, two at a time; groups are summed in f32, where their scale is multiplied in.
//
// x is divided by 64, so that no sum of a group leaves the range of a half before x itself does by far. Elements lie in the order that
// stage/eight says; weight rows quad by quad, as in matmul/tile.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import quant/pair
#import input/plain
#import bias/none
#import output/store
#import stage/eight

const BM: u32 = 64u;   // tune: 32 64 128
const BN: u32 = 64u;   // tune: 32 64 128
const TM: u32 = 8u;    // tune: 4 8
const QUADS: u32 = 2u; // tune: 1 2
const BLOCK: vec3u = vec3u(BN / 4u, BM, 1u); // of quads by rows

const ACROSS: u32 = BN / (4u * QUADS);
const LANES: u32 = ACROSS * (BM / TM);
const QUAD: u32 = 4u; // outputs of one
const DEPTH: u32 = CHUNK / 8u; // of a slice, in eights
const PITCH: u32 = 2u * DEPTH + 1u;
const SLICES: u32 = (K + CHUNK - 1u) / CHUNK;
const X_LOADS: u32 = BM * DEPTH / LANES;
const W_LOADS: u32 = BN * DEPTH / LANES;

const_assert BM % TM == 0u;
const_assert BM * DEPTH % LANES == 0u;
const_assert BN * DEPTH % LANES == 0u;
const_assert LANES % DEPTH == 0u;
const_assert LANES <= 256u;

var<workgroup> tile_x: array<vec4<f16>, BM * PITCH>;
var<workgroup> tile_w: array<vec4<f16>, BN * PITCH>;
var<workgroup> scales_w: array<f32, BN>;
var<workgroup> row_squares: array<f32, select(1u, BM * DEPTH, NORM)>;

// What an invocation asked memory for, and the squares of x that it has seen.
var<private> next_x: array<vec4f, 2u * X_LOADS>;
var<private> next_w: array<Fetched, W_LOADS>;
var<private> sums: array<f32, X_LOADS>;

fn fetch(slice: u32, first_row: u32, first_quad: u32, lane: u32) {
    let k8 = slice * DEPTH + lane % DEPTH;
    for (var i = 0u; i < X_LOADS; i++) { // unroll
        let row = min(first_row + lane / DEPTH + i * (LANES / DEPTH), launch.rows - 1u);
        next_x[2u * i] = fetch_input4(row, 2u * k8);
        next_x[2u * i + 1u] = fetch_input4(row, 2u * k8 + 1u);
    }
    for (var i = 0u; i < W_LOADS; i++) { // unroll
        let n = lane / DEPTH + i * (LANES / DEPTH);
        next_w[i] = fetch_weight4(weight_row(first_quad + n / 4u, n % 4u), 2u * k8);
    }
}

fn put(slice: u32, first_quad: u32, lane: u32) {
    let k8 = slice * DEPTH + lane % DEPTH;
    for (var i = 0u; i < X_LOADS; i++) { // unroll
        let at = (lane / DEPTH + i * (LANES / DEPTH)) * PITCH + 2u * (lane % DEPTH);
        squares = 0.0;
        let x = eight(finish_input4(next_x[2u * i], 2u * k8) * 0.015625, finish_input4(next_x[2u * i + 1u], 2u * k8 + 1u) * 0.015625);
        sums[i] += squares;
        tile_x[at] = x.low;
        tile_x[at + 1u] = x.high;
    }
    for (var i = 0u; i < W_LOADS; i++) { // unroll
        let n = lane / DEPTH + i * (LANES / DEPTH);
        let at = ((n % 4u) * (BN / 4u) + n / 4u) * PITCH + 2u * (lane % DEPTH);
        let w = next_w[i].word;
        tile_w[at] = vec4<f16>(pair(w), pair(w >> 4u));
        tile_w[at + 1u] = vec4<f16>(pair(w >> 8u), pair(w >> 12u));
        if lane % DEPTH == 0u {
            scales_w[n] = 64.0 * finish_scale(next_w[i].scale, weight_row(first_quad + n / 4u, n % 4u), k8 / 4u);
        }
    }
}

fn whole(part: vec2<f16>) -> f32 {
    return f32(part.x) + f32(part.y);
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
        var parts = array<vec2<f16>, 4u * TM * QUADS>();
        for (var k = 0u; k < 2u * DEPTH; k++) {
            var x = array<vec4<f16>, TM>();
            for (var m = 0u; m < TM; m++) { // unroll
                x[m] = tile_x[(down + m * (BM / TM)) * PITCH + k];
            }
            for (var q = 0u; q < QUADS; q++) { // unroll
                for (var i = 0u; i < QUAD; i++) { // unroll
                    let w = tile_w[(i * (BN / 4u) + across + q * ACROSS) * PITCH + k];
                    for (var m = 0u; m < TM; m++) { // unroll
                        parts[(m * QUADS + q) * 4u + i] = fma(x[m].zw, w.zw, fma(x[m].xy, w.xy, parts[(m * QUADS + q) * 4u + i]));
                    }
                }
            }
        }
        for (var q = 0u; q < QUADS; q++) { // unroll
            let n = 4u * (across + q * ACROSS);
            let scale = vec4f(scales_w[n], scales_w[n + 1u], scales_w[n + 2u], scales_w[n + 3u]);
            for (var m = 0u; m < TM; m++) { // unroll
                let first = (m * QUADS + q) * 4u;
                let part = vec4f(whole(parts[first]), whole(parts[first + 1u]), whole(parts[first + 2u]), whole(parts[first + 3u]));
                acc[m * QUADS + q] = fma(part, scale, acc[m * QUADS + q]);
            }
        }
        workgroupBarrier();
    }
    if NORM {
        for (var i = 0u; i < X_LOADS; i++) { // unroll
            row_squares[(lane / DEPTH + i * (LANES / DEPTH)) * DEPTH + lane % DEPTH] = sums[i];
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
                total += row_squares[tile_row * DEPTH + k];
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
