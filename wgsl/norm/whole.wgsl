// The norm of rows, one workgroup per row. It is stored, or added to the residual stream. The second reading of a row finds it in the
// cache.
#import lib/launch
#import lib/vectors
#import norm/rms
#import norm/no_bias
#import norm/store

const LANES: u32 = 128u; // tune: 64 128
const TEAM: u32 = LANES;
const SLOTS: u32 = 1u;
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of nothing by rows

const_assert LANES <= 128u; // Chrome takes no wider shuffles, not even in loops that end before them

@group(0) @binding(3) var<storage, read> input: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let row = launch.first + group.y;
    let first = row * (K / 4u);
    let moments = moments_of(first, lane);
    for (var i = lane.index; i < K / 4u; i += LANES) {
        put4(first + i, add_bias((input[first + i] - moments.mean) * moments.scale * vector4(launch.gain, i), i));
    }
}
