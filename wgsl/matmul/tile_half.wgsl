// Many rows of x, in half-precision arithmetic: as matmul/tile, but slices are dequantized to f16 and lie the other way round, vectors of four
// rows of x or four outputs for each k, so that a product of a row with four outputs is one vector instruction. Sums of a slice are made in
// f16, the sum over slices in f32.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import input/plain
#import bias/none
#import output/store
#import lib/half

const BM: u32 = 64u;   // tune: 32 64 128
const BN: u32 = 64u;   // tune: 64 128
const BK: u32 = 16u;   // tune: 16 32
const TM: u32 = 8u;    // tune: 4 8
const QUADS: u32 = 2u; // tune: 1 2
const BLOCK: vec3u = vec3u(BN / 4u, BM, 1u); // of quads by rows

const FOUR: u32 = 4u;
const FOURS: u32 = TM / 4u; // of rows, an invocation
const SUMS: u32 = TM * QUADS;
const ACROSS: u32 = BN / (4u * QUADS);
const DOWN: u32 = BM / TM;
const LANES: u32 = ACROSS * DOWN;
const DEPTH: u32 = BK / 4u;
const STRIDE_X: u32 = BM / 4u + 1u;
const STRIDE_W: u32 = BN / 4u + 1u;
const SLICES: u32 = (K + BK - 1u) / BK;
const X_LOADS: u32 = BM / 4u * DEPTH / LANES;
const W_LOADS: u32 = BN / 4u * DEPTH / LANES;
const FETCHED_X: u32 = 4u * X_LOADS;
const FETCHED_W: u32 = 4u * W_LOADS;

const_assert BM % TM == 0u && TM % 4u == 0u;
const_assert BM / 4u * DEPTH % LANES == 0u;
const_assert BN / 4u * DEPTH % LANES == 0u;
const_assert LANES % DEPTH == 0u;
const_assert LANES <= 256u;

var<workgroup> tile_x: array<vec4<f16>, BK * STRIDE_X>; // [k][four rows]
var<workgroup> tile_w: array<vec4<f16>, BK * STRIDE_W>; // [k][quad]
var<workgroup> row_squares: array<vec4f, BM / 4u * DEPTH>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first_row = launch.first + group.y * BM;
    let first_quad = group.x * (BN / 4u);
    let down = lane / ACROSS;
    let across = lane % ACROSS;
    let load_at = lane / DEPTH;
    let load_k = lane % DEPTH;
    var total: array<vec4f, SUMS>;
    var sums: array<vec4f, X_LOADS>;
    var next_x: array<vec4f, FETCHED_X>;
    var next_w: array<Fetched, FETCHED_W>;
    // A turn asks memory for its slice, multiplies the one before, and only then needs what it asked for.
    for (var slice = 0u; slice <= SLICES; slice++) {
        let k4 = slice * DEPTH + load_k;
        let inside = K % BK == 0u || 4u * k4 < K;
        if slice < SLICES && inside {
            for (var i = 0u; i < X_LOADS; i++) { // unroll
                for (var j = 0u; j < FOUR; j++) { // unroll
                    let row = first_row + 4u * (load_at + i * (LANES / DEPTH)) + j;
                    next_x[4u * i + j] = fetch_input4(min(row, launch.rows - 1u), k4);
                }
            }
            for (var i = 0u; i < W_LOADS; i++) { // unroll
                for (var j = 0u; j < FOUR; j++) { // unroll
                    next_w[4u * i + j] = fetch_weight4(weight_row(first_quad + load_at + i * (LANES / DEPTH), j), k4);
                }
            }
        }
        if slice > 0u {
            var part = array<vec4<f16>, SUMS>();
            for (var k = 0u; k < BK; k++) {
                var x = array<vec4<f16>, FOURS>();
                for (var i = 0u; i < FOURS; i++) { // unroll
                    x[i] = tile_x[k * STRIDE_X + down + i * DOWN];
                }
                for (var q = 0u; q < QUADS; q++) { // unroll
                    let w = tile_w[k * STRIDE_W + across + q * ACROSS];
                    for (var i = 0u; i < FOURS; i++) { // unroll
                        let at = 4u * i * QUADS + q;
                        part[at] = fma(vec4<f16>(x[i].x), w, part[at]);
                        part[at + QUADS] = fma(vec4<f16>(x[i].y), w, part[at + QUADS]);
                        part[at + 2u * QUADS] = fma(vec4<f16>(x[i].z), w, part[at + 2u * QUADS]);
                        part[at + 3u * QUADS] = fma(vec4<f16>(x[i].w), w, part[at + 3u * QUADS]);
                    }
                }
            }
            for (var i = 0u; i < SUMS; i++) { // unroll
                total[i] += vec4f(part[i]);
            }
        }
        workgroupBarrier();
        if slice < SLICES {
            for (var i = 0u; i < X_LOADS; i++) { // unroll
                let four = load_at + i * (LANES / DEPTH);
                var x = array<vec4f, 4>();
                for (var j = 0u; j < FOUR; j++) { // unroll
                    squares = 0.0;
                    x[j] = select(vec4f(), finish_input4(next_x[4u * i + j], k4), inside);
                    sums[i][j] += select(0.0, squares, inside);
                }
                for (var k = 0u; k < FOUR; k++) { // unroll
                    tile_x[(4u * load_k + k) * STRIDE_X + four] = half4(vec4f(x[0][k], x[1][k], x[2][k], x[3][k]));
                }
            }
            for (var i = 0u; i < W_LOADS; i++) { // unroll
                let quad = load_at + i * (LANES / DEPTH);
                var w = array<vec4f, 4>();
                for (var j = 0u; j < FOUR; j++) { // unroll
                    let fetched = finish_weight4(next_w[4u * i + j], weight_row(first_quad + quad, j), k4);
                    w[j] = select(vec4f(), fetched, inside);
                }
                for (var k = 0u; k < FOUR; k++) { // unroll
                    tile_w[(4u * load_k + k) * STRIDE_W + quad] = vec4<f16>(vec4f(w[0][k], w[1][k], w[2][k], w[3][k]));
                }
            }
        }
        workgroupBarrier();
    }
    if NORM {
        for (var i = 0u; i < X_LOADS; i++) { // unroll
            row_squares[(load_at + i * (LANES / DEPTH)) * DEPTH + load_k] = sums[i];
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < FOURS; i++) { // unroll
        let four = down + i * DOWN;
        var scale = vec4f(1.0);
        if NORM {
            var all = vec4f();
            for (var k = 0u; k < DEPTH; k++) {
                all += row_squares[four * DEPTH + k];
            }
            scale = vec4f(input_scale(all.x), input_scale(all.y), input_scale(all.z), input_scale(all.w));
        }
        for (var j = 0u; j < FOUR; j++) { // unroll
            let row = first_row + 4u * four + j;
            if row < launch.rows {
                for (var q = 0u; q < QUADS; q++) { // unroll
                    let quad = first_quad + across + q * ACROSS;
                    store4(row, quad, add_bias(quad, total[(4u * i + j) * QUADS + q] * scale[j]));
                }
            }
        }
    }
}
