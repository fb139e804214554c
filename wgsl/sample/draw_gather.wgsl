// Gathers the ids near two places: where the likeliest may end (by top-k, top-p or min-p), and where the draw may fall. They are few,
// unless all ids are about as likely.
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
    if how.drawn == 0u || how.temperature == 0.0 || !is_nucleus(how) {
        return;
    }
    let row = group.y * STRIDE;
    let greatest = greatest_of_parts(lane, row);
    // The first `top_k` ids are those of the bins before `last`, and `rank` of its own.
    var last = LANES;
    var rank = 0u;
    if how.top_k > 0u {
        let count = bin_count(lane, row);
        accumulate(lane, count);
        last = find(lane, count, f32(how.top_k));
        rank = how.top_k - u32(sum_before(last));
    }
    let weight = bin_weight(lane, row);
    accumulate(lane, weight);
    // What they weigh lies between these.
    var least = running[LANES - 1u];
    var most = least;
    var edges = vec2u(last);
    if how.top_k > 0u {
        least = sum_before(last);
        most = running[last];
    }
    if how.top_p < 1.0 {
        least *= how.top_p;
        edges = find_both(lane, weight, least, how.top_p * most);
    }
    // What can be drawn weighs at least `least`, or what is before the bin where min-p ends, and no more than all bins up to its edge.
    let limit = min(how.deepest >> TOP_SHIFT, edges.y);
    if how.deepest < DEEPEST {
        least = min(least, sum_before(limit));
    }
    let fraction = fraction_at(at.position + 1u, vec2u(how.seed, how.seed_high));
    let fall = find_both(lane, weight, fraction * least, fraction * running[limit]);
    if lane == 0u {
        atomicStore(&gathered, 0u);
        if group.x == 0u {
            scratch[row + BOUNDS] = edges.x;
            scratch[row + BOUNDS + 1u] = edges.y;
            scratch[row + BOUNDS + 2u] = fall.x;
            scratch[row + BOUNDS + 3u] = fall.y;
            scratch[row + BOUNDS + 4u] = last;
            scratch[row + BOUNDS + 5u] = rank;
        }
    }
    workgroupBarrier();
    let end = min(VOCAB, how.ids);
    let segment = segment_of(row, group.x);
    for (var id = group.x * LANES + lane; id < end; id += PARTS * LANES) {
        let depth = depth_of(logits[group.y * VOCAB + id], logit_of(greatest.order), how.temperature);
        let bin = depth >> TOP_SHIFT;
        let is_edge = (bin >= edges.x && bin <= edges.y) || bin == limit || bin == last;
        if depth != NONE && (is_edge || (bin >= fall.x && bin <= fall.y)) {
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
