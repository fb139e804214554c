// A bias for each output feature, and a factor on the sum.
#import lib/vectors

const FACTOR: f32 = 1.0;

fn add_bias(quad: u32, y: vec4f) -> vec4f {
    return FACTOR * (y + vec4f(
        vector1(launch.bias, weight_row(quad, 0u)), vector1(launch.bias, weight_row(quad, 1u)),
        vector1(launch.bias, weight_row(quad, 2u)), vector1(launch.bias, weight_row(quad, 3u)),
    ));
}
