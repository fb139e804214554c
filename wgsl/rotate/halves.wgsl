// Rotation of the first TURNED elements of a head: each of their first half with the one as far into their second half. A quad is two such
// pairs side by side; the quads of what passes are four neighbours.
const HEAD_DIM: u32 = 8u;
const TURNED: u32 = 4u;

@group(0) @binding(4) var<storage, read> rope: array<vec2f>; // [row][TURNED / 2] of (cos, sin)

// Where in its head the first and the last two elements of a quad are.
fn places(quad: u32) -> vec2u {
    return select(vec2u(4u * quad, 4u * quad + 2u), vec2u(2u * quad, 2u * quad + TURNED / 2u), 4u * quad < TURNED);
}

fn turn(row: u32, quad: u32, y: vec4f) -> vec4f {
    if 4u * quad >= TURNED {
        return y;
    }
    let a = rope[row * (TURNED / 2u) + 2u * quad];
    let b = rope[row * (TURNED / 2u) + 2u * quad + 1u];
    let c = vec2f(a.x, b.x);
    let s = vec2f(a.y, b.y);
    return vec4f(y.xy * c - y.zw * s, y.zw * c + y.xy * s);
}
