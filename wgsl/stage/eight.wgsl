// Eight neighbouring elements of a row of x or W in half precision, in the order 0 4 1 5 2 6 3 7. In this order 4-bit weights come out of a
// word, two at a time. A dot product is the same in any order, as long as both sides have it.
#import lib/half

struct Eight {
    low: vec4<f16>,
    high: vec4<f16>,
}

fn eight(a: vec4f, b: vec4f) -> Eight {
    return Eight(half4(vec4f(a.x, b.x, a.y, b.y)), half4(vec4f(a.z, b.z, a.w, b.w)));
}
