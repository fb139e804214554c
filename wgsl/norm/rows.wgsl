// The root-mean-square norm of rows in half precision, a workgroup a row, for products whose workgroups would each norm the same rows again.
// The second reading of a row finds it in the cache.
#import lib/launch
#import lib/vectors
#import stage/eight
#import reduce/tree

const K: u32 = 64u;
const EPS: f32 = 1e-6;
const LANES: u32 = 128u; // tune: 64 128
const TEAM: u32 = LANES;
const SLOTS: u32 = 1u;
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of nothing by rows

const_assert K % 8u == 0u;
const_assert LANES <= 128u; // Chrome takes no wider shuffles, not even in loops that end before them

@group(0) @binding(3) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> output: array<Eight>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let first = group.y * (K / 4u);
    var squares = 0.0;
    for (var i = lane.index; i < K / 4u; i += LANES) {
        squares += dot(input[first + i], input[first + i]);
    }
    put_sum(lane, 0u, vec4f(squares));
    add_sums(lane);
    let scale = inverseSqrt(get_sum(lane, 0u).x / f32(K) + EPS);
    for (var i = lane.index; i < K / 8u; i += LANES) {
        let low = input[first + 2u * i] * scale * vector4(launch.gain, 2u * i);
        let high = input[first + 2u * i + 1u] * scale * vector4(launch.gain, 2u * i + 1u);
        output[group.y * (K / 8u) + i] = eight(low, high);
    }
}
