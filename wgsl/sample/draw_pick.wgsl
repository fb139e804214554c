// Draws the id of each row from what its parts have found, and counts it.
#import sample/bins
#import sample/order
#import sample/quantile
#import sample/philox
#import sample/nucleus

@group(0) @binding(4) var<storage, read> logits: array<f32>;
@group(0) @binding(5) var<storage, read_write> tokens: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> sampled: array<u32>;

// Neighbouring ids of a part that an invocation looks at.
const CHUNK: u32 = (SHARE + LANES - 1u) / LANES;

var<workgroup> walked: u32;

// The id at which the running sum of weights, in the order of the ids, exceeds a fraction of their total.
fn walk(lane: u32, greatest: Candidate, how: Sampling, y: u32, fraction: f32) -> u32 {
    var value = 0.0;
    if lane < PARTS {
        value = bitcast<f32>(scratch[y * STRIDE + GREATEST + 4u * lane + 2u]);
    }
    accumulate(lane, value);
    var rest = fraction * running[LANES - 1u];
    let part = find(lane, value, rest);
    rest -= sum_before(part);

    let start = part * SHARE + lane * CHUNK;
    let end = min(min(min(start + CHUNK, (part + 1u) * SHARE), VOCAB), how.ids);
    value = 0.0;
    for (var id = start; id < end; id++) {
        value += weight_at(y * VOCAB + id, greatest, how);
    }
    accumulate(lane, value);
    let chunk = find(lane, value, rest);
    if lane == chunk {
        rest -= sum_before(chunk);
        var sum = 0.0;
        walked = greatest.id;
        for (var id = start; id < end; id++) {
            let weight = weight_at(y * VOCAB + id, greatest, how);
            if weight > 0.0 {
                walked = id;
            }
            sum += weight;
            if sum > rest {
                break;
            }
        }
    }
    workgroupBarrier();
    return walked;
}

fn weight_at(at: u32, greatest: Candidate, how: Sampling) -> f32 {
    let depth = depth_of(logits[at], logit_of(greatest.order), how.temperature);
    if depth > how.deepest {
        return 0.0;
    }
    return rest_weight(depth) * top_weight(depth >> TOP_SHIFT);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let at = rows[launch.first + group.y];
    let how = sampling[at.sequence];
    if how.drawn == 0u {
        return;
    }
    let row = group.y * STRIDE;
    let greatest = greatest_of_parts(lane, row);
    var id = greatest.id;
    if how.temperature > 0.0 {
        let fraction = fraction_at(at.position + 1u, vec2u(how.seed, how.seed_high));
        if is_nucleus(how) {
            id = draw_from_nucleus(lane, row, how, fraction);
        } else {
            id = walk(lane, greatest, how, group.y, fraction);
        }
    }
    if lane == 0u {
        id = select(NONE, id, is_sound(greatest));
        sampled[at.sequence] = id;
        if how.adjusts != 0u && id < VOCAB {
            tokens[at.sequence * VOCAB + id].x += 1u;
        }
    }
}
