// x normed and in half precision, written by norm/rows.
#import lib/shape
#import stage/eight

@group(0) @binding(3) var<storage, read> input: array<Eight>;

const NORM: bool = false;
var<private> squares: f32;

// Elements 4 k4 .. 4 k4 + 3 of row `row` of x; zero behind the end.
fn fetch_input4(row: u32, k4: u32) -> vec4f {
    if K % CHUNK != 0u && 4u * k4 >= K {
        return vec4f();
    }
    let x = input[row * (K / 8u) + k4 / 2u];
    let first = vec4<f16>(x.low.xz, x.high.xz);
    let second = vec4<f16>(x.low.yw, x.high.yw);
    return vec4f(select(first, second, k4 % 2u == 1u));
}

fn finish_input4(fetched: vec4f, k4: u32) -> vec4f {
    return fetched;
}

fn input_scale(squares: f32) -> f32 {
    return 1.0;
}
