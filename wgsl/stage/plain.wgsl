// Eight weights of any format for a tile of halves, through single precision.
#import stage/eight

struct Fetched8 {
    low: Fetched,
    high: Fetched,
}

// Elements 8 k8 .. 8 k8 + 7 of a row, as they are stored.
fn fetch_weight8(row: u32, k8: u32) -> Fetched8 {
    return Fetched8(fetch_weight4(row, 2u * k8), fetch_weight4(row, 2u * k8 + 1u));
}

fn finish_weight8(fetched: Fetched8, row: u32, k8: u32) -> Eight {
    let high = finish_weight4(fetched.high, row, 2u * k8 + 1u);
    let inside = K % 8u == 0u || 8u * k8 + 4u < K;
    return eight(finish_weight4(fetched.low, row, 2u * k8), select(vec4f(), high, inside));
}
