// Eight elements of x for a tile of halves, from single precision.
#import stage/eight

struct FetchedX {
    low: vec4f,
    high: vec4f,
}

// Elements 8 k8 .. 8 k8 + 7 of a row, as they are stored.
fn fetch_x8(row: u32, k8: u32) -> FetchedX {
    return FetchedX(fetch_input4(row, 2u * k8), fetch_input4(row, 2u * k8 + 1u));
}

fn finish_x4(fetched: vec4f, k4: u32) -> vec4f {
    if K % BK != 0u && 4u * k4 >= K {
        return vec4f();
    }
    return finish_input4(fetched, k4);
}

// What was fetched, ready to be multiplied, zero behind the end; adds its squares to `squares`.
fn finish_x8(fetched: FetchedX, k8: u32) -> Eight {
    return eight(finish_x4(fetched.low, 2u * k8), finish_x4(fetched.high, 2u * k8 + 1u));
}
