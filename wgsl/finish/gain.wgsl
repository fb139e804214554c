// The gain of a norm, where heads are normed once they are rotated: their mean square is the same before and after.
#import lib/vectors

fn finish(row: u32, head: u32, place: vec2u, y: vec4f) -> vec4f {
    let gain = select(launch.query_gain, launch.key_gain, head >= QUERY_HEADS);
    return y * vec4f(
        vector1(gain, place.x), vector1(gain, place.x + 1u),
        vector1(gain, place.y), vector1(gain, place.y + 1u),
    );
}
