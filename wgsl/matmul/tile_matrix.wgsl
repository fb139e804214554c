// Many rows of x, on matrix units. Subgroups of 32 multiply fragments of 16 x 16 from slices of x and W in workgroup memory, both in f16;
// sums are f32. A subgroup makes SM by SN fragments. Its results go through workgroup memory, a fragment at a time, since only there the
// epilogue can tell which element is which.
//
// Slice rows are eight elements longer than BK, so that loads of fragments meet different banks. Within a row, elements lie in the order of
// stage/eight. Slices lie in blocks of 16 rows, so that a fragment is at a constant place in one: a browser adds a branch to every load
// unless it knows that the load stays within its array.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import input/plain
#import bias/none
#import output/store
#import stage/plain
#import stage/x
#import stage/squares

const BM: u32 = 64u; // tune: 64 128
const BN: u32 = 64u; // tune: 64 128 256
const BK: u32 = 32u; // tune: 32 64
const SM: u32 = 2u;  // tune: 1 2 4
const SN: u32 = 2u;  // tune: 1 2 4
const BLOCK: vec3u = vec3u(BN / 4u, BM, 1u); // of quads by rows

const ACROSS: u32 = BN / (16u * SN);
const SUBGROUPS: u32 = ACROSS * (BM / (16u * SM));
const LANES: u32 = 32u * SUBGROUPS;
const DEPTH: u32 = BK / 8u; // of a slice, in eights
const PITCH: u32 = 2u * DEPTH + 2u;
const STEPS: u32 = BK / 16u;
const SLICES: u32 = (K + BK - 1u) / BK;
const X_LOADS: u32 = BM * DEPTH / LANES;
const W_LOADS: u32 = BN * DEPTH / LANES;

const_assert BM % (16u * SM) == 0u && BN % (16u * SN) == 0u;
const_assert BM * DEPTH % LANES == 0u && BN * DEPTH % LANES == 0u;
const_assert LANES % DEPTH == 0u;
const_assert LANES <= 256u;

var<workgroup> tile_x: array<array<vec4<f16>, 16u * PITCH>, BM / 16u>;
var<workgroup> tile_w: array<array<vec4<f16>, 16u * PITCH>, BN / 16u>;
var<workgroup> fragments: array<array<vec4f, 64>, SUBGROUPS>; // [subgroup][row][quad]

// What an invocation asked memory for.
var<private> next_x: array<FetchedX, X_LOADS>;
var<private> next_w: array<Fetched8, W_LOADS>;

fn fetch(slice: u32, first_row: u32, first_quad: u32, lane: u32) {
    let k8 = slice * DEPTH + lane % DEPTH;
    if K % BK == 0u || 8u * k8 < K {
        for (var i = 0u; i < X_LOADS; i++) { // unroll
            next_x[i] = fetch_x8(min(first_row + staged_row(lane, i), launch.rows - 1u), k8);
        }
        for (var i = 0u; i < W_LOADS; i++) { // unroll
            let n = staged_row(lane, i);
            next_w[i] = fetch_weight8(weight_row(first_quad + n / 4u, n % 4u), k8);
        }
    }
}

fn put(slice: u32, first_quad: u32, lane: u32) {
    let k8 = slice * DEPTH + lane % DEPTH;
    let inside = K % BK == 0u || 8u * k8 < K;
    for (var i = 0u; i < X_LOADS; i++) { // unroll
        let m = staged_row(lane, i);
        let at = m % 16u * PITCH + 2u * (lane % DEPTH);
        squares = 0.0;
        let x = finish_x8(next_x[i], k8);
        sums[i] += squares;
        tile_x[m / 16u][at] = x.low;
        tile_x[m / 16u][at + 1u] = x.high;
    }
    for (var i = 0u; i < W_LOADS; i++) { // unroll
        let n = staged_row(lane, i);
        let at = n % 16u * PITCH + 2u * (lane % DEPTH);
        let w = finish_weight8(next_w[i], weight_row(first_quad + n / 4u, n % 4u), k8);
        tile_w[n / 16u][at] = select(vec4<f16>(), w.low, inside);
        tile_w[n / 16u][at + 1u] = select(vec4<f16>(), w.high, inside);
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first_row = launch.first + group.y * BM;
    let first_quad = group.x * (BN / 4u);
    let subgroup = lane / 32u;
    let down = subgroup / ACROSS * SM;
    let across = subgroup % ACROSS * SN;
    var a: array<coop_mat16x16<f16, A>, SM>;
    var acc: array<coop_mat16x16<f32, C>, SM * SN>;
    fetch(0u, first_row, first_quad, lane);
    put(0u, first_quad, lane);
    workgroupBarrier();
    // A turn asks memory for the next slice, multiplies this one, and only then needs what it asked for.
    for (var slice = 0u; slice < SLICES; slice++) {
        if slice + 1u < SLICES {
            fetch(slice + 1u, first_row, first_quad, lane);
        }
        for (var step = 0u; step < STEPS; step++) { // unroll
            for (var i = 0u; i < SM; i++) { // unroll
                a[i] = coopLoadT<coop_mat16x16<f16, A>>(&tile_x[down + i][4u * step], PITCH);
            }
            for (var j = 0u; j < SN; j++) { // unroll
                let b = coopLoad<coop_mat16x16<f16, B>>(&tile_w[across + j][4u * step], PITCH);
                for (var i = 0u; i < SM; i++) { // unroll
                    acc[i * SN + j] = coopMultiplyAdd(a[i], b, acc[i * SN + j]);
                }
            }
        }
        workgroupBarrier();
        if slice + 1u < SLICES {
            put(slice + 1u, first_quad, lane);
        }
        workgroupBarrier();
    }
    add_squares(lane);
    for (var i = 0u; i < SM; i++) { // unroll
        for (var j = 0u; j < SN; j++) { // unroll
            coopStoreT(acc[i * SN + j], &fragments[subgroup][0], 4u);
            workgroupBarrier();
            for (var turn = 0u; turn < 2u; turn++) {
                let place = lane % 32u + 32u * turn;
                let tile_row = (down + i) * 16u + place / 4u;
                let row = first_row + tile_row;
                let quad = first_quad + (across + j) * 4u + place % 4u;
                if row < launch.rows {
                    store4(row, quad, add_bias(quad, fragments[subgroup][place] * row_scale(tile_row)));
                }
            }
            workgroupBarrier();
        }
    }
}
