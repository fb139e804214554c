// Embedding lookup, one vector per invocation. It also makes each row's table of rotations, for all layers.
#import lib/launch
#import lib/shape
#import lib/rows
#import plan/sampled
#import embed/rope
#import quant/q4f16

const SCALE: f32 = 1.0;
const LANES: u32 = 64u;
const BLOCK: vec3u = vec3u(LANES, 1u, 1u); // of K / 4 vectors by rows

@group(0) @binding(3) var<storage, read> sampled: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;

// Chunks serve matrix multiplication only; a lookup has none.
fn input4(row: u32, k4: u32) -> vec4f {
    return vec4f();
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let row = rows[group.y];
    var token = row.token;
    if token == SAMPLED {
        token = sampled[row.sequence];
    }
    let k4 = group.x * LANES + lane;
    if k4 < K / 4u && token >= launch.base && token - launch.base < N {
        output[group.y * (K / 4u) + k4] = weight4(token - launch.base, k4) * SCALE;
    }
    if group.x == 0u {
        rotate(group.y, row.position, lane, LANES);
    }
}
