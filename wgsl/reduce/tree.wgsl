// Sums over teams of TEAM invocations by halving, through workgroup memory. A workgroup has LANES invocations. SLOTS sums are made
// together.
struct Lane {
    @builtin(local_invocation_index) index: u32,
}

const STEPS: u32 = firstLeadingBit(TEAM);

var<workgroup> sums: array<vec4f, LANES * SLOTS>;

// Puts this invocation's part of a sum.
fn put_sum(lane: Lane, slot: u32, value: vec4f) {
    sums[slot * LANES + lane.index] = value;
}

// Adds up all slots. The whole workgroup must get here.
fn add_sums(lane: Lane) {
    for (var i = 0u; i < STEPS; i++) {
        let half = (TEAM / 2u) >> i;
        workgroupBarrier();
        if lane.index % TEAM < half {
            for (var at = lane.index; at < LANES * SLOTS; at += LANES) {
                sums[at] += sums[at + half];
            }
        }
    }
    workgroupBarrier();
}

// The sum of a slot over the team.
fn get_sum(lane: Lane, slot: u32) -> vec4f {
    return sums[slot * LANES + lane.index / TEAM * TEAM];
}
