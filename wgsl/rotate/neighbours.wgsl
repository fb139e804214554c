// Rotation of the first TURNED elements of a head, neighbours with each other. A quad is two such pairs, or four neighbours of what passes.
const HEAD_DIM: u32 = 8u;
const TURNED: u32 = 4u;

@group(0) @binding(4) var<storage, read> rope: array<vec2f>; // [row][TURNED / 2] of (cos, sin)

// Where in its head the first and the last two elements of a quad are.
fn places(quad: u32) -> vec2u {
    return vec2u(4u * quad, 4u * quad + 2u);
}

fn turn(row: u32, quad: u32, y: vec4f) -> vec4f {
    if 4u * quad >= TURNED {
        return y;
    }
    let a = rope[row * (TURNED / 2u) + 2u * quad];
    let b = rope[row * (TURNED / 2u) + 2u * quad + 1u];
    return vec4f(y.x * a.x - y.y * a.y, y.y * a.x + y.x * a.y, y.z * b.x - y.w * b.y, y.w * b.x + y.z * b.y);
}
