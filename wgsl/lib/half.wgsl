// Converts to half precision. Values that are too large become the largest half, since infinities would spread.
fn half4(x: vec4f) -> vec4<f16> {
    return vec4<f16>(clamp(x, vec4f(-65504.0), vec4f(65504.0)));
}
