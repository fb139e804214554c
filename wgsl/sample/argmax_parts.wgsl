// The greatest logit of each of PARTS parts of a row, the smallest id where several are equal.
#import lib/launch
#import sample/greatest

const VOCAB: u32 = 512u;
const PARTS: u32 = 64u;
const LANES: u32 = 256u; // tune: 64 128 256
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of parts by rows

const SHARE: u32 = (VOCAB + PARTS - 1u) / PARTS;

@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec2u>; // the maximum in order, id

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * SHARE, VOCAB);
    var best = Candidate(0u, VOCAB);
    for (var id = group.x * SHARE + lane; id < end; id += LANES) {
        best = greater(best, Candidate(order_of(logits[group.y * VOCAB + id]), id));
    }
    best = greatest_of(lane, best);
    if lane == 0u {
        partial[group.y * PARTS + group.x] = vec2u(best.order, best.id);
    }
}
