// The greatest logit of a row, as the parts of the row found it.
#import sample/greatest

fn logit_of(order: u32) -> f32 {
    return bitcast<f32>(select(~order, order & 0x7fffffffu, order >> 31u == 1u));
}

// The greatest of what the parts of a row found, for every invocation.
fn greatest_of_parts(lane: u32, row: u32) -> Candidate {
    if lane < PARTS {
        let part = row + GREATEST + 4u * lane;
        candidates[lane] = Candidate(scratch[part], scratch[part + 1u]);
    }
    workgroupBarrier();
    var best = candidates[0];
    for (var other = 1u; other < PARTS; other++) {
        best = greater(best, candidates[other]);
    }
    return best;
}
