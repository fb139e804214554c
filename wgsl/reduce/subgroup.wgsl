// Sums over teams of TEAM invocations, of which LANES make a workgroup: within subgroups, then over the subgroups of a team through
// workgroup memory. Subgroups may have any size from 4 on, and hold invocations in order. SLOTS sums are made together.
//
// Where a subgroup holds a whole team the memory is not needed, but no barrier may depend on the size of a subgroup: browsers do not take it
// for uniform. One barrier for all slots is cheap.
//
// A subgroup never reaches over the end of a workgroup, so that it can add by itself where the team is all of it.
struct Lane {
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_size) width: u32,
    @builtin(subgroup_invocation_id) id: u32,
}

const PARTS: u32 = LANES / 4u;
const STEPS: u32 = firstLeadingBit(TEAM);

var<workgroup> sums: array<vec4f, PARTS * SLOTS>;

// Puts this invocation's part of a sum.
fn put_sum(lane: Lane, slot: u32, value: vec4f) {
    var total = value;
    if TEAM == LANES {
        total = subgroupAdd(value);
    } else {
        for (var i = 0u; i < STEPS; i++) { // unroll
            // What a step over the edge of the subgroup brings is undefined, and not added.
            let other = subgroupShuffleXor(total, 1u << i);
            total += select(vec4f(), other, 1u << i < lane.width);
        }
    }
    let width = min(lane.width, TEAM);
    if lane.id % width == 0u {
        sums[slot * PARTS + (lane.index >> countTrailingZeros(width))] = total;
    }
}

// Adds up all slots. The whole workgroup must get here.
fn add_sums(lane: Lane) {
    workgroupBarrier();
}

// The sum of a slot over the team.
fn get_sum(lane: Lane, slot: u32) -> vec4f {
    let count = TEAM >> countTrailingZeros(min(lane.width, TEAM));
    let first = slot * PARTS + lane.index / TEAM * count;
    var total = sums[first];
    for (var i = 1u; i < count; i++) {
        total += sums[first + i];
    }
    return total;
}
