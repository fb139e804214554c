// Norm of all query heads of a row together, and of all key heads, then rotation and cache append. A workgroup takes the query, the key or the
// value heads of a row.
#import lib/launch
#import lib/vectors
#import output/heads
#import reduce/tree

const EPS: f32 = 1e-6;
const LANES: u32 = 128u; // tune: 64 128
const TEAM: u32 = LANES;
const SLOTS: u32 = 1u;
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of kinds of heads by rows

const_assert LANES <= 128u; // Chrome takes no wider shuffles, not even in loops that end before them

@group(0) @binding(3) var<storage, read> input: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let row = group.y;
    let is_query = group.x == 0u;
    let first = select(QUERY_HEADS + (group.x - 1u) * KV_HEADS, 0u, is_query) * HEAD_DIM;
    let width = select(KV_HEADS, QUERY_HEADS, is_query) * HEAD_DIM;
    var squares = 0.0;
    for (var i = lane.index; i < width; i += LANES) {
        let x = input[row * N + first + i];
        squares += x * x;
    }
    put_sum(lane, 0u, vec4f(squares));
    add_sums(lane);
    let scale = inverseSqrt(get_sum(lane, 0u).x / f32(width) + EPS);
    let gain = select(launch.key_gain, launch.query_gain, is_query);
    for (var j = lane.index; j < width / 4u; j += LANES) {
        let quad = first / 4u + j;
        var y = vec4f();
        for (var c = 0u; c < 4u; c++) {
            let i = weight_row(quad, c);
            y[c] = input[row * N + i];
            if group.x < 2u {
                y[c] *= scale * vector1(gain, i - first);
            }
        }
        store4(row, quad, y);
    }
}
