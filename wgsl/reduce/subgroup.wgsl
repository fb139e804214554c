// Sums over the workgroup: within subgroups first, then over subgroups through workgroup memory. Subgroups may have any size.
struct Lane {
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_size) width: u32,
    @builtin(subgroup_invocation_id) id: u32,
}

var<workgroup> sums: array<vec4f, LANES>;

// The sum of `value` over all invocations, in every invocation.
fn sum_lanes(lane: Lane, value: vec4f) -> vec4f {
    var total = subgroupAdd(value);
    if LANES > 4u {
        if lane.id == 0u {
            sums[lane.index / lane.width] = total;
        }
        workgroupBarrier();
        total = sums[0];
        for (var i = 1u; i < LANES / lane.width; i++) {
            total += sums[i];
        }
        workgroupBarrier();
    }
    return total;
}
