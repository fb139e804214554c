// No rotation. A quad is four neighbours.
const HEAD_DIM: u32 = 8u;

fn places(quad: u32) -> vec2u {
    return vec2u(4u * quad, 4u * quad + 2u);
}

fn turn(row: u32, quad: u32, y: vec4f) -> vec4f {
    return y;
}
