// The draw among the likeliest ids that have a part of the weight together, in their order: the likeliest first, neighbours by id where they
// are equally likely. What was gathered is narrowed down by bits of the depth until ids of a single depth are left.
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

// The depth at which the running sum of weights reaches `goal`, counted from the upper end of a bin.
fn narrow(lane: u32, row: u32, bin: u32, goal: f32, unit: u32) -> Place {
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
            if depth >> high == place.depth {
                let rest = depth & ((1u << low) - 1u);
                atomicAdd(&bins[(depth >> low) & ((1u << (high - low)) - 1u)], u32(rest_weight(rest) * f32(unit) + 0.5));
            }
        }
        workgroupBarrier();
        let units = atomicLoad(&bins[lane]);
        let depth = (place.depth << (high - low)) | lane;
        let value = f32(units) / f32(unit) * top_weight(bin) * rest_weight(depth << low);
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

fn draw_from_nucleus(lane: u32, row: u32, top_p: f32, fraction: f32) -> u32 {
    let edge = scratch[row + BOUNDS];
    let lowest = scratch[row + BOUNDS + 1u];
    let highest = scratch[row + BOUNDS + 2u];
    var total = 0u;
    for (var part = 0u; part < PARTS; part++) {
        total += scratch[row + GREATEST + 4u * part + 3u];
    }
    // A power of two, so that ids of one depth can be counted.
    let unit = 0x80000000u >> (32u - countLeadingZeros(total));

    let weight = bin_weight(lane, row);
    accumulate(lane, weight);
    let mass = top_p * running[LANES - 1u];
    let before = sum_before(edge);
    let end = narrow(lane, row, edge, mass - before, unit);
    // The nucleus ends with the id that makes up the mass.
    let kept = clamp(u32(max(ceil(end.rest / end.weight), 1.0)), 1u, end.count);

    let goal = fraction * (mass - end.rest + f32(kept) * end.weight);
    accumulate(lane, weight);
    let bin = clamp(find(lane, weight, goal), lowest, highest);
    let passed = sum_before(bin);
    let place = narrow(lane, row, bin, goal - passed, unit);
    var depth = place.depth;
    var index = min(u32(max(place.rest / place.weight, 0.0)), place.count - 1u);
    var count = place.count;
    // Rounding may carry it over the end.
    if depth > end.depth || (depth == end.depth && index >= kept) {
        depth = end.depth;
        index = kept - 1u;
        count = end.count;
    }
    if lane == 0u {
        ties = count;
    }
    if workgroupUniformLoad(&ties) == 1u {
        return id_of(lane, row, depth);
    }
    return id_at(lane, row, depth, index);
}
