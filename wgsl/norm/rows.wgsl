// The norm of rows in half precision, one workgroup per row, for matrix multiplications whose workgroups would each norm the same rows
// again. The second reading of a row finds it in the cache.
#import lib/launch
#import lib/vectors
#import stage/eight
#import norm/rms
#import norm/no_bias

const LANES: u32 = 128u; // tune: 64 128
const TEAM: u32 = LANES;
const SLOTS: u32 = 1u;
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of nothing by rows

const_assert K % 8u == 0u;
const_assert LANES <= 128u; // Chrome takes no wider shuffles, not even in loops that end before them

@group(0) @binding(3) var<storage, read> input: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> output: array<Eight>;

fn normed(at: u32, moments: Moments, i: u32) -> vec4f {
    return add_bias((input[at] - moments.mean) * moments.scale * vector4(launch.gain, i), i);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let first = group.y * (K / 4u);
    let moments = moments_of(first, lane);
    for (var i = lane.index; i < K / 8u; i += LANES) {
        output[group.y * (K / 8u) + i] = eight(normed(first + 2u * i, moments, 2u * i), normed(first + 2u * i + 1u, moments, 2u * i + 1u));
    }
}
