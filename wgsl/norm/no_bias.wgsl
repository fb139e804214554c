// No bias.
fn add_bias(x: vec4f, i4: u32) -> vec4f {
    return x;
}
