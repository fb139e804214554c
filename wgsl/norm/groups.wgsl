// The norm of each piece of WIDTH elements of a row, with one gain for all pieces, times a factor. It is added to the output.
#import lib/launch
#import lib/vectors
#import reduce/tree

const WIDTH: u32 = 8u;
const GROUPS: u32 = 2u;
const EPS: f32 = 1e-6;
const FACTOR: f32 = 1.0;
const LANES: u32 = 64u; // tune: 32 64
const TEAM: u32 = LANES;
const SLOTS: u32 = 1u;
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of pieces by rows

@group(0) @binding(3) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let first = (group.y * GROUPS + group.x) * (WIDTH / 4u);
    var squares = 0.0;
    for (var i = lane.index; i < WIDTH / 4u; i += LANES) {
        squares += dot(input[first + i], input[first + i]);
    }
    put_sum(lane, 0u, vec4f(squares));
    add_sums(lane);
    let scale = FACTOR * inverseSqrt(get_sum(lane, 0u).x / f32(WIDTH) + EPS);
    for (var i = lane.index; i < WIDTH / 4u; i += LANES) {
        output[first + i] += input[first + i] * scale * vector4(launch.gain, i);
    }
}
