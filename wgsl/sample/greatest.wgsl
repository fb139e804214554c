// The greatest logit of a row. Logits are compared as integers, since shader compilers may assume that no float is infinite or NaN.
const NOT_A_NUMBER: u32 = 0xffffffffu;
const LOWEST: u32 = 0x007fffffu; // minus infinity
const INFINITE: u32 = 0xff800000u;

struct Candidate {
    order: u32,
    id: u32,
}

var<workgroup> candidates: array<Candidate, LANES>;

// Integers in the order of the numbers.
fn order_of(logit: f32) -> u32 {
    let bits = bitcast<u32>(logit);
    if (bits & 0x7fffffffu) > 0x7f800000u {
        return NOT_A_NUMBER;
    }
    if bits == 0x80000000u {
        return 0x80000000u;
    }
    return select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
}

// Whether there is something to draw: all are numbers, and one is finite.
fn is_sound(greatest: Candidate) -> bool {
    return greatest.order > LOWEST && greatest.order < INFINITE;
}

fn greater(a: Candidate, b: Candidate) -> Candidate {
    if b.order > a.order || (b.order == a.order && b.id < a.id) {
        return b;
    }
    return a;
}

// The greatest of a workgroup, for its first invocation. Barriers cost more than comparisons.
fn greatest_of(lane: u32, mine: Candidate) -> Candidate {
    candidates[lane] = mine;
    workgroupBarrier();
    var best = mine;
    if lane < 16u {
        for (var other = lane + 16u; other < LANES; other += 16u) {
            best = greater(best, candidates[other]);
        }
        candidates[lane] = best;
    }
    workgroupBarrier();
    if lane == 0u {
        for (var other = 1u; other < 16u; other++) {
            best = greater(best, candidates[other]);
        }
    }
    return best;
}
