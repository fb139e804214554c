// Norm of each query and key head, then rotation and cache append, one workgroup per head.
#import lib/launch
#import lib/vectors
#import output/heads
#import norm/head_gain
#import reduce/tree

const EPS: f32 = 1e-6;
const LANES: u32 = 32u; // tune: 32 64
const TEAM: u32 = LANES;
const SLOTS: u32 = 1u;
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of heads by rows

@group(0) @binding(3) var<storage, read> input: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let head = group.x;
    let row = group.y;
    let at = row * N + head * HEAD_DIM;
    var squares = 0.0;
    for (var i = lane.index; i < HEAD_DIM; i += LANES) {
        squares += input[at + i] * input[at + i];
    }
    put_sum(lane, 0u, vec4f(squares));
    add_sums(lane);
    let scale = inverseSqrt(get_sum(lane, 0u).x / f32(HEAD_DIM) + EPS);
    for (var j = lane.index; j < HEAD_DIM / 4u; j += LANES) {
        let quad = head * (HEAD_DIM / 4u) + j;
        var y = vec4f();
        for (var c = 0u; c < 4u; c++) {
            let i = weight_row(quad, c);
            y[c] = input[row * N + i] * factor_of(head, i - head * HEAD_DIM, scale);
        }
        store4(row, quad, y);
    }
}
