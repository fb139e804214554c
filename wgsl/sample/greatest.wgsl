// The greatest candidate of a workgroup.
const LOWEST: f32 = -3.4e38;
const STEPS: u32 = firstLeadingBit(LANES);

struct Candidate {
    logit: f32,
    id: u32,
}

var<workgroup> candidates: array<Candidate, LANES>;

fn greater(a: Candidate, b: Candidate) -> Candidate {
    if b.logit > a.logit || (b.logit == a.logit && b.id < a.id) {
        return b;
    }
    return a;
}

fn greatest(lane: u32, mine: Candidate) -> Candidate {
    candidates[lane] = mine;
    for (var i = 0u; i < STEPS; i++) {
        let half = (LANES / 2u) >> i;
        workgroupBarrier();
        if lane < half {
            candidates[lane] = greater(candidates[lane], candidates[lane + half]);
        }
    }
    workgroupBarrier();
    return candidates[0];
}
