// Gathers the ids that lie where the nucleus may end or the draw may fall: few, unless all are about as likely.
#import sample/bins
#import sample/order
#import sample/quantile
#import sample/philox

@group(0) @binding(4) var<storage, read> logits: array<f32>;

var<workgroup> gathered: atomic<u32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let at = rows[launch.first + group.y];
    let how = sampling[at.sequence];
    if how.drawn == 0u || how.temperature == 0.0 || how.top_p >= 1.0 {
        return;
    }
    let row = group.y * STRIDE;
    let greatest = greatest_of_parts(lane, row);
    let weight = bin_weight(lane, row);
    accumulate(lane, weight);
    let mass = how.top_p * running[LANES - 1u];
    let edge = find(lane, weight, mass);
    // The nucleus weighs at least `mass`, and no more than all bins up to its edge.
    let fraction = fraction_at(at.position + 1u, vec2u(how.seed, how.seed_high));
    let low = find(lane, weight, fraction * mass);
    let high = find(lane, weight, fraction * running[edge]);
    if lane == 0u {
        atomicStore(&gathered, 0u);
        if group.x == 0u {
            scratch[row + BOUNDS] = edge;
            scratch[row + BOUNDS + 1u] = low;
            scratch[row + BOUNDS + 2u] = high;
        }
    }
    workgroupBarrier();
    let end = min(VOCAB, how.ids);
    let segment = segment_of(row, group.x);
    for (var id = group.x * LANES + lane; id < end; id += PARTS * LANES) {
        let depth = depth_of(logits[group.y * VOCAB + id], logit_of(greatest.order), how.temperature);
        let bin = depth >> TOP_SHIFT;
        if depth != NONE && (bin == edge || (bin >= low && bin <= high)) {
            let place = segment + 2u * atomicAdd(&gathered, 1u);
            scratch[place] = depth;
            scratch[place + 1u] = id;
        }
    }
    workgroupBarrier();
    if lane == 0u {
        scratch[row + GREATEST + 4u * group.x + 3u] = atomicLoad(&gathered);
    }
}
