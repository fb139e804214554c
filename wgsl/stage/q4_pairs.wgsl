// Eight 4-bit weights of each of four rows, as stage/q4_small has them, by element: vectors hold one of each row, in the order of stage/eight.
//
// The halves of two words that hold the same four elements are put into one word, so that what makes two weights of a row makes one of each.
#import stage/q4_small

fn small_quads(w: vec4u) -> array<vec4<f16>, 8> {
    let low = (w.xz & vec2u(0xffffu)) | (w.yw << vec2u(16u));
    let high = (w.xz >> vec2u(16u)) | (w.yw & vec2u(0xffff0000u));
    return array<vec4<f16>, 8>(
        vec4<f16>(lowest(low.x), lowest(low.y)), vec4<f16>(lowest(high.x), lowest(high.y)),
        vec4<f16>(next(low.x), next(low.y)), vec4<f16>(next(high.x), next(high.y)),
        vec4<f16>(lowest(low.x >> 8u), lowest(low.y >> 8u)), vec4<f16>(lowest(high.x >> 8u), lowest(high.y >> 8u)),
        vec4<f16>(next(low.x >> 8u), next(low.y >> 8u)), vec4<f16>(next(high.x >> 8u), next(high.y >> 8u)),
    );
}
