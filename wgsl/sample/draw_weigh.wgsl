// Weighs each part of a row: as a whole if all ids can be drawn, by depth if only the likeliest can.
#import sample/bins
#import sample/order
#import sample/quantile

@group(0) @binding(4) var<storage, read> logits: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let how = sampling[rows[launch.first + group.y].sequence];
    if how.drawn == 0u || how.temperature == 0.0 {
        return;
    }
    let row = group.y * STRIDE;
    let greatest = greatest_of_parts(lane, row);
    let nucleus = is_nucleus(how);
    // The nucleus is a part of all weights: min-p cuts off what is left of it.
    let deepest = select(how.deepest, DEEPEST, nucleus);
    atomicStore(&bins[lane], 0u);
    workgroupBarrier();
    let end = min(min((group.x + 1u) * SHARE, VOCAB), how.ids);
    var sum = 0.0;
    for (var id = group.x * SHARE + lane; id < end; id += LANES) {
        let depth = depth_of(logits[group.y * VOCAB + id], logit_of(greatest.order), how.temperature);
        if depth <= deepest {
            let weight = rest_weight(depth);
            sum += weight * top_weight(depth >> TOP_SHIFT);
            if nucleus {
                atomicAdd(&bins[depth >> TOP_SHIFT], u32(weight * f32(UNIT) + 0.5));
            }
        }
    }
    if nucleus {
        workgroupBarrier();
        scratch[row + HISTOGRAM + group.x * LANES + lane] = atomicLoad(&bins[lane]);
        if how.top_k == 0u {
            return;
        }
        // Ids are counted in the same bins, afterwards: more workgroup memory would cost those who have no top-k, since it is cleared first.
        atomicStore(&bins[lane], 0u);
        workgroupBarrier();
        for (var id = group.x * SHARE + lane; id < end; id += LANES) {
            let depth = depth_of(logits[group.y * VOCAB + id], logit_of(greatest.order), how.temperature);
            if depth != NONE {
                atomicAdd(&bins[depth >> TOP_SHIFT], 1u);
            }
        }
        workgroupBarrier();
        scratch[row + TALLY + group.x * LANES + lane] = atomicLoad(&bins[lane]);
        return;
    }
    accumulate(lane, sum);
    if lane == 0u {
        scratch[row + GREATEST + 4u * group.x + 2u] = bitcast<u32>(running[LANES - 1u]);
    }
}
