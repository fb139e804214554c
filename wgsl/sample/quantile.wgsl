// Where a running sum over the invocations of a workgroup reaches a target. The whole workgroup must get to each of these functions.
var<workgroup> running: array<f32, LANES>;
var<workgroup> first: atomic<u32>;
var<workgroup> last: atomic<u32>;

// Makes the running sums of a value of each invocation.
fn accumulate(lane: u32, value: f32) {
    workgroupBarrier();
    running[lane] = value;
    for (var step = 1u; step < LANES; step *= 2u) {
        workgroupBarrier();
        let other = select(0.0, running[max(lane, step) - step], lane >= step);
        workgroupBarrier();
        running[lane] += other;
    }
    workgroupBarrier();
}

// The first invocation at which they are `goal` or more, passing over those without a value; the last with a value where rounding leaves
// none.
fn find(lane: u32, value: f32, goal: f32) -> u32 {
    if lane == 0u {
        atomicStore(&first, LANES);
        atomicStore(&last, 0u);
    }
    workgroupBarrier();
    if value > 0.0 {
        atomicMax(&last, lane);
        if running[lane] >= goal {
            atomicMin(&first, lane);
        }
    }
    workgroupBarrier();
    let found = min(atomicLoad(&first), atomicLoad(&last));
    workgroupBarrier();
    return found;
}

fn sum_before(index: u32) -> f32 {
    return select(0.0, running[max(index, 1u) - 1u], index > 0u);
}
