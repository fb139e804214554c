// The greatest of the parts of each row, by sequence. A row gets no id if a logit is NaN or plus infinity, or if no logit is finite: the
// host then looks at the logits.
#import lib/launch
#import lib/rows
#import sample/greatest

const PARTS: u32 = 64u;
const NONE: u32 = 0xffffffffu;
const LANES: u32 = 64u;
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // by rows

@group(0) @binding(2) var<storage, read> partial: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> sampled: array<u32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    var best = Candidate(0u, NONE);
    for (var part = lane; part < PARTS; part += LANES) {
        let found = partial[group.y * PARTS + part];
        best = greater(best, Candidate(found.x, found.y));
    }
    best = greatest_of(lane, best);
    if lane == 0u {
        sampled[rows[launch.first + group.y].sequence] = select(NONE, best.id, is_sound(best));
    }
}
