// Reads all of a buffer and writes next to nothing, as fast as memory allows.

struct Launch {
    unused: array<vec4u, 2>,
}

@group(0) @binding(0) var<uniform> launch: Launch;
@group(0) @binding(1) var<storage, read> input: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> output: vec4u;

const WORKGROUP: u32 = 256;
const VECTORS: u32 = 16;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let start = group.x * WORKGROUP * VECTORS + local;
    // The launch words are zero; reading them keeps the binding that every kernel has.
    var sum = launch.unused[0];
    for (var i = 0u; i < VECTORS; i += 1u) {
        sum ^= input[start + i * WORKGROUP];
    }
    // Never so, but no compiler can know.
    if (all(sum == vec4u(1u, 2u, 3u, 4u))) {
        output = sum;
    }
}
