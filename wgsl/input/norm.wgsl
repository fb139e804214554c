// The root-mean-square norm of x, in the same pass. Dot products take x times the gain, and the squares of x are summed beside them. The
// results are scaled at the end.
#import lib/shape
#import lib/vectors

@group(0) @binding(3) var<storage, read> input: array<vec4f>;

const EPS: f32 = 1e-5;
const NORM: bool = true;
var<private> squares: f32;

// Elements 4 k4 .. 4 k4 + 3 of row `row` of x; zero behind the end.
fn fetch_input4(row: u32, k4: u32) -> vec4f {
    if K % CHUNK != 0u && 4u * k4 >= K {
        return vec4f();
    }
    return input[row * (K / 4u) + k4];
}

// What was fetched, times the gain; adds its squares to `squares`.
fn finish_input4(fetched: vec4f, k4: u32) -> vec4f {
    squares += dot(fetched, fetched);
    return fetched * vector4(launch.gain, k4);
}

fn input4(row: u32, k4: u32) -> vec4f {
    return finish_input4(fetch_input4(row, k4), k4);
}

fn input_scale(squares: f32) -> f32 {
    return inverseSqrt(squares / f32(K) + EPS);
}
