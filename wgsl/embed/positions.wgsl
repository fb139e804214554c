// Adds the table's row for each position to x, one vector per invocation.
#import lib/launch
#import lib/shape
#import lib/rows
#import quant/q4f16

const LANES: u32 = 64u;
const BLOCK: vec3u = vec3u(LANES, 1u, 1u); // of K / 4 vectors by rows

@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;

// Chunks serve matrix multiplication only; a lookup has none.
fn input4(row: u32, k4: u32) -> vec4f {
    return vec4f();
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let position = rows[group.y].position;
    let k4 = group.x * LANES + lane;
    if k4 < K / 4u && position >= launch.base && position - launch.base < N {
        output[group.y * (K / 4u) + k4] += weight4(position - launch.base, k4);
    }
}
