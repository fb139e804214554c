// Penalises and biases the logits of a row in place, and finds the greatest of each part.
#import sample/scratch
#import sample/order

@group(0) @binding(4) var<storage, read> tokens: array<vec2u>; // by sequence and id: how often the answer has it, bits of its bias
@group(0) @binding(5) var<storage, read_write> logits: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let sequence = rows[launch.first + group.y].sequence;
    let how = sampling[sequence];
    if how.drawn == 0u {
        return;
    }
    let end = min(min((group.x + 1u) * SHARE, VOCAB), how.ids);
    var best = Candidate(0u, NONE);
    for (var id = group.x * SHARE + lane; id < end; id += LANES) {
        let at = group.y * VOCAB + id;
        var logit = logits[at];
        if how.adjusts != 0u {
            let token = tokens[sequence * VOCAB + id];
            if token.x > 0u {
                logit = select(logit * how.repetition, logit / how.repetition, logit > 0.0);
                logit -= how.presence + f32(token.x) * how.frequency;
            }
            logit += bitcast<f32>(token.y);
            logits[at] = logit;
        }
        best = greater(best, Candidate(order_of(logit), id));
    }
    best = greatest_of(lane, best);
    if lane == 0u {
        let part = group.y * STRIDE + GREATEST + 4u * group.x;
        scratch[part] = best.order;
        scratch[part + 1u] = best.id;
    }
}
