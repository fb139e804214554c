// Sums over the workgroup through its memory, halving.
struct Lane {
    @builtin(local_invocation_index) index: u32,
}

var<workgroup> sums: array<vec4f, LANES>;

// The sum of `value` over all invocations, in every invocation.
fn sum_lanes(lane: Lane, value: vec4f) -> vec4f {
    sums[lane.index] = value;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane.index < half {
            sums[lane.index] += sums[lane.index + half];
        }
    }
    workgroupBarrier();
    let total = sums[0];
    workgroupBarrier();
    return total;
}
