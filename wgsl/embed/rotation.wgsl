// The rotations of each row, where a model has more than the one that goes with the embedding.
#import lib/launch
#import lib/rows
#import embed/rope

const LANES: u32 = 64u;
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of nothing by rows

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    rotate(group.y, rows[group.y].position, lane, LANES);
}
