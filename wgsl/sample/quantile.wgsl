// Where a running sum over the invocations of a workgroup reaches a goal. The whole workgroup must call each of these functions.
//
// Sums are made in blocks: barriers cost more than additions, most of all on software renderers.
const SPAN: u32 = 16u;

var<workgroup> terms: array<f32, LANES>;
var<workgroup> blocks: array<f32, LANES / SPAN>;
var<workgroup> running: array<f32, LANES>;
var<workgroup> reached: array<u32, 2>;

// Makes the running sums of a value of each invocation. They never fall, however they are rounded: the last of a block is what the next
// block begins with.
fn accumulate(lane: u32, value: f32) {
    terms[lane] = value;
    workgroupBarrier();
    if lane < LANES / SPAN {
        var sum = 0.0;
        for (var i = 0u; i < SPAN; i++) {
            sum += terms[lane * SPAN + i];
        }
        blocks[lane] = sum;
    }
    workgroupBarrier();
    let block = lane / SPAN;
    var before = 0.0;
    for (var i = 0u; i < block; i++) {
        before += blocks[i];
    }
    var sum = 0.0;
    for (var i = block * SPAN; i <= lane; i++) {
        sum += terms[i];
    }
    running[lane] = before + sum;
    workgroupBarrier();
}

fn sum_before(index: u32) -> f32 {
    return select(0.0, running[max(index, 1u) - 1u], index > 0u);
}

// The first invocation at which they are `goal` or more, passing over those without a value; the last that makes a difference where rounding
// leaves none.
fn find(lane: u32, value: f32, goal: f32) -> u32 {
    return find_both(lane, value, goal, goal).x;
}

// The same for two goals, with the barriers of one.
fn find_both(lane: u32, value: f32, first: f32, second: f32) -> vec2u {
    let before = sum_before(lane);
    if value > 0.0 && reaches(lane, before, first) {
        reached[0] = lane;
    }
    if value > 0.0 && reaches(lane, before, second) {
        reached[1] = lane;
    }
    workgroupBarrier();
    let found = min(vec2u(reached[0], reached[1]), vec2u(LANES - 1u));
    workgroupBarrier();
    return found;
}

fn reaches(lane: u32, before: f32, goal: f32) -> bool {
    let least = min(goal, running[LANES - 1u]);
    return running[lane] >= least && (before < least || before == 0.0);
}
