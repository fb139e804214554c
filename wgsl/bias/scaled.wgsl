// No bias, and a factor.
const FACTOR: f32 = 1.0;

fn add_bias(quad: u32, y: vec4f) -> vec4f {
    return y * FACTOR;
}
