// Sums over teams of TEAM invocations; a workgroup has LANES invocations. Sums are made within subgroups, then over the subgroups of a team
// through workgroup memory. Subgroups may have any size from 4 on, and hold invocations in order. SLOTS sums are made together.
//
// First four neighbours divide the four components among them. The rest of a sum then passes one number on instead of four: six shuffles
// for 32 invocations instead of twenty.
//
// If a subgroup holds a whole team, the memory is not needed. But no barrier may depend on the size of a subgroup, since browsers do not
// treat it as uniform. One barrier for all slots is cheap.
struct Lane {
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_size) width: u32,
    @builtin(subgroup_invocation_id) id: u32,
}

const PARTS: u32 = LANES / 4u;
const STEPS: u32 = min(firstLeadingBit(TEAM), 7u) - 2u; // behind the first two; no subgroup is larger than 128

// By slots, parts and components. Neighbours write components of a vector, which they may not do at once.
var<workgroup> sums: array<f32, 4u * PARTS * SLOTS>;

// Puts this invocation's part of a sum.
fn put_sum(lane: Lane, slot: u32, value: vec4f) {
    let odd = (lane.id & 1u) != 0u;
    let two = select(value.xz, value.yw, odd) + subgroupShuffleXor(select(value.yw, value.xz, odd), 1u);
    let second = (lane.id & 2u) != 0u;
    var total = select(two.x, two.y, second) + subgroupShuffleXor(select(two.y, two.x, second), 2u);
    for (var i = 0u; i < STEPS; i++) { // unroll
        // What a step over the edge of the subgroup brings is undefined, and not added.
        let other = subgroupShuffleXor(total, 4u << i);
        total += select(0.0, other, 4u << i < lane.width);
    }
    let width = min(lane.width, TEAM);
    let component = lane.id % width;
    if component < 4u {
        sums[4u * (slot * PARTS + (lane.index >> countTrailingZeros(width))) + component] = total;
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
    var total = vec4f();
    for (var i = 0u; i < count; i++) {
        let at = 4u * (first + i);
        total += vec4f(sums[at], sums[at + 1u], sums[at + 2u], sums[at + 3u]);
    }
    return total;
}
