// x as it is.
#import lib/shape

@group(0) @binding(3) var<storage, read> input: array<vec4f>;

const NORM: bool = false;
var<private> squares: f32;

fn prepare_input(row: u32, lane: u32) {}

// Elements 4 k4 .. 4 k4 + 3 of row `row` of x; zero behind the end, where padded weights mean nothing.
fn input4(row: u32, k4: u32) -> vec4f {
    if K % CHUNK != 0u && 4u * k4 >= K {
        return vec4f();
    }
    return input[row * (K / 4u) + k4];
}

fn input_scale(squares: f32) -> f32 {
    return 1.0;
}
