// The draw among the likeliest ids, in their order: the likeliest first, neighbours by id where they are equally likely. Top-k keeps so
// many of them, top-p those that have a part of their weight, min-p those above a depth. The gathered ids are narrowed down by bits of the
// depth, until ids of a single depth are left.
#import sample/bins
#import sample/quantile

const ID_BITS: u32 = 16u; // whole bytes that hold an id

// Invocations that look at what a part has gathered.
const TEAM: u32 = LANES / PARTS;

var<workgroup> alike: u32;
var<workgroup> ties: u32;
var<workgroup> alone: u32;

struct Place {
    depth: u32,
    weight: f32, // of each id of this depth
    count: u32,
    rest: f32,   // of the goal, behind all that is likelier
}

// A unit in which ids count alike, as none weighs less than 0.88 of what weighs most in its bin.
const COUNTED: u32 = 1u;

// The depth at which the running sum of weights reaches `goal`, counted from the upper end of a bin, or that of ids where they are counted.
// Passes over what is deeper than `last`.
fn narrow(lane: u32, row: u32, bin: u32, goal: f32, unit: u32, last: u32) -> Place {
    var place = Place(bin, 0.0, 0u, goal);
    var low = TOP_SHIFT;
    for (var turn = 0u; turn < 3u; turn++) {
        let high = low;
        low = max(high, 8u) - 8u;
        atomicStore(&bins[lane], 0u);
        workgroupBarrier();
        let part = lane / TEAM;
        let segment = segment_of(row, part);
        let count = scratch[row + GREATEST + 4u * part + 3u];
        for (var i = lane % TEAM; i < count; i += TEAM) {
            let depth = scratch[segment + 2u * i];
            if depth >> high == place.depth && depth <= last {
                let rest = depth & ((1u << low) - 1u);
                atomicAdd(&bins[(depth >> low) & ((1u << (high - low)) - 1u)], u32(rest_weight(rest) * f32(unit) + 0.5));
            }
        }
        workgroupBarrier();
        let units = atomicLoad(&bins[lane]);
        let depth = (place.depth << (high - low)) | lane;
        let value = f32(units) / f32(unit) * select(top_weight(bin) * rest_weight(depth << low), 1.0, unit == COUNTED);
        accumulate(lane, value);
        let found = find(lane, value, place.rest);
        if lane == found {
            alike = units;
        }
        workgroupBarrier();
        place.depth = (place.depth << (high - low)) | found;
        place.rest -= sum_before(found);
        place.count = max(alike / unit, 1u);
        place.weight = top_weight(bin) * rest_weight(place.depth << low);
    }
    return place;
}

// What ids of a bin weigh that are less deep than `end`.
fn weight_before(lane: u32, row: u32, bin: u32, end: u32, unit: u32) -> f32 {
    atomicStore(&bins[lane], 0u);
    workgroupBarrier();
    let part = lane / TEAM;
    let segment = segment_of(row, part);
    let count = scratch[row + GREATEST + 4u * part + 3u];
    var sum = 0u;
    for (var i = lane % TEAM; i < count; i += TEAM) {
        let depth = scratch[segment + 2u * i];
        if depth >> TOP_SHIFT == bin && depth < end {
            sum += u32(rest_weight(depth) * f32(unit) + 0.5);
        }
    }
    atomicAdd(&bins[0], sum);
    workgroupBarrier();
    let units = atomicLoad(&bins[0]);
    workgroupBarrier();
    return f32(units) / f32(unit) * top_weight(bin);
}

// The only id of a depth.
fn id_of(lane: u32, row: u32, depth: u32) -> u32 {
    let part = lane / TEAM;
    let segment = segment_of(row, part);
    let count = scratch[row + GREATEST + 4u * part + 3u];
    for (var i = lane % TEAM; i < count; i += TEAM) {
        if scratch[segment + 2u * i] == depth {
            alone = scratch[segment + 2u * i + 1u];
        }
    }
    workgroupBarrier();
    return alone;
}

// The id in place `index` among those of a depth.
fn id_at(lane: u32, row: u32, depth: u32, index: u32) -> u32 {
    var prefix = 0u;
    var rest = f32(index + 1u);
    for (var byte = 0u; byte < ID_BITS / 8u; byte++) {
        let shift = ID_BITS - 8u - 8u * byte;
        atomicStore(&bins[lane], 0u);
        workgroupBarrier();
        let part = lane / TEAM;
        let segment = segment_of(row, part);
        let count = scratch[row + GREATEST + 4u * part + 3u];
        for (var i = lane % TEAM; i < count; i += TEAM) {
            let id = scratch[segment + 2u * i + 1u];
            if scratch[segment + 2u * i] == depth && (id >> shift) >> 8u == prefix {
                atomicAdd(&bins[(id >> shift) & 255u], 1u);
            }
        }
        workgroupBarrier();
        let value = f32(atomicLoad(&bins[lane]));
        accumulate(lane, value);
        let found = find(lane, value, rest);
        rest -= sum_before(found);
        prefix = (prefix << 8u) | found;
    }
    return prefix;
}

fn draw_from_nucleus(lane: u32, row: u32, how: Sampling, fraction: f32) -> u32 {
    let first_edge = scratch[row + BOUNDS];
    let last_edge = scratch[row + BOUNDS + 1u];
    let lowest = scratch[row + BOUNDS + 2u];
    let highest = scratch[row + BOUNDS + 3u];
    let last = scratch[row + BOUNDS + 4u];
    let rank = scratch[row + BOUNDS + 5u];
    var total = 0u;
    for (var part = 0u; part < PARTS; part++) {
        total += scratch[row + GREATEST + 4u * part + 3u];
    }
    // A power of two, so that ids of one depth can be counted.
    let unit = 0x80000000u >> (32u - countLeadingZeros(total));

    let weight = bin_weight(lane, row);
    accumulate(lane, weight);
    // What can be drawn ends with `kept` ids at a depth, and weighs `sum`.
    var end = DEEPEST;
    var kept = NONE;
    var sum = running[LANES - 1u];
    if how.top_k > 0u {
        let before = sum_before(last);
        let place = narrow(lane, row, last, f32(rank), COUNTED, DEEPEST);
        end = place.depth;
        kept = min(u32(place.rest), place.count);
        sum = before + weight_before(lane, row, last, end, unit) + f32(kept) * top_weight(last) * rest_weight(end);
        accumulate(lane, weight);
    }
    if how.top_p < 1.0 {
        let mass = how.top_p * sum;
        var edge = first_edge;
        if how.top_k > 0u {
            edge = clamp(find(lane, weight, mass), first_edge, last_edge);
        }
        let before = sum_before(edge);
        let place = narrow(lane, row, edge, mass - before, unit, end);
        // The nucleus ends with the id that makes up the mass.
        let enough = clamp(u32(max(ceil(place.rest / place.weight), 1.0)), 1u, place.count);
        kept = select(enough, min(enough, kept), place.depth == end);
        end = place.depth;
        sum = mass - place.rest + f32(kept) * place.weight;
    }
    let limited = how.deepest < end;
    var allowed = weight;
    if how.deepest < DEEPEST {
        let limit = how.deepest >> TOP_SHIFT;
        let within = weight_before(lane, row, limit, how.deepest + 1u, unit);
        if limited {
            end = how.deepest;
            kept = NONE;
            allowed = select(select(0.0, within, lane == limit), weight, lane < limit);
        }
    }
    accumulate(lane, allowed);
    sum = select(sum, running[LANES - 1u], limited);

    let goal = fraction * sum;
    // Rounding may carry it over the end.
    let bin = min(clamp(find(lane, allowed, goal), lowest, highest), end >> TOP_SHIFT);
    let passed = sum_before(bin);
    let place = narrow(lane, row, bin, goal - passed, unit, end);
    var index = min(u32(max(place.rest / place.weight, 0.0)), place.count - 1u);
    if place.depth == end {
        index = min(index, kept - 1u);
    }
    if lane == 0u {
        ties = place.count;
    }
    if workgroupUniformLoad(&ties) == 1u {
        return id_of(lane, row, place.depth);
    }
    return id_at(lane, row, place.depth, index);
}
