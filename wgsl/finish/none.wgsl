// Nothing is done with rotated heads.
fn finish(row: u32, head: u32, place: vec2u, y: vec4f) -> vec4f {
    return y;
}
