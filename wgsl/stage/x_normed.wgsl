// Eight elements of x for a tile of halves, which norm/rows has made ready.
#import stage/eight

alias FetchedX = Eight;

fn fetch_x8(row: u32, k8: u32) -> FetchedX {
    return input[row * (K / 8u) + k8];
}

fn finish_x8(fetched: FetchedX, k8: u32) -> Eight {
    let inside = K % BK == 0u || 8u * k8 < K;
    return Eight(select(vec4<f16>(), fetched.low, inside), select(vec4<f16>(), fetched.high, inside));
}
