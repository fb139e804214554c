// Eight 4-bit weights for a tile of halves, in half precision throughout: as exact as through single precision, since what is multiplied with
// the scale is a small integer.
#import stage/eight
#import quant/pair

alias Fetched8 = Fetched;

// Elements 8 k8 .. 8 k8 + 7 of a row, as they are stored.
fn fetch_weight8(row: u32, k8: u32) -> Fetched8 {
    return fetch_weight4(row, 2u * k8);
}

fn finish_weight8(fetched: Fetched8, row: u32, k8: u32) -> Eight {
    let scale = f16(finish_scale(fetched.scale, row, k8 / 4u));
    let first = fetched.word;
    let last = first >> 8u;
    return Eight(vec4<f16>(low_pair(first), high_pair(first)) * scale, vec4<f16>(low_pair(last), high_pair(last)) * scale);
}
