// A bias for each element.
#import lib/vectors

fn add_bias(x: vec4f, i4: u32) -> vec4f {
    return x + vector4(launch.bias, i4);
}
