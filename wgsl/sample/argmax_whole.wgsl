// The greatest of the parts of each row, by sequence.
#import lib/launch
#import lib/rows
#import sample/greatest

const PARTS: u32 = 64u;
const LANES: u32 = 64u;
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // by rows

@group(0) @binding(2) var<storage, read> partial: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> sampled: array<u32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    var best = Candidate(LOWEST, 0xffffffffu);
    for (var part = lane; part < PARTS; part += LANES) {
        let found = partial[group.y * PARTS + part];
        best = greater(best, Candidate(bitcast<f32>(found.x), found.y));
    }
    best = greatest(lane, best);
    if lane == 0u {
        sampled[rows[launch.first + group.y].sequence] = best.id;
    }
}
