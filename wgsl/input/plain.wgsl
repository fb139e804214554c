// x as it is.
#import lib/shape

@group(0) @binding(3) var<storage, read> input: array<vec4f>;

const NORM: bool = false;
var<private> squares: f32;

// Elements 4 k4 .. 4 k4 + 3 of row `row` of x; zero behind the end, where padded weights mean nothing.
fn fetch_input4(row: u32, k4: u32) -> vec4f {
    if K % CHUNK != 0u && 4u * k4 >= K {
        return vec4f();
    }
    return input[row * (K / 4u) + k4];
}

// What was fetched, ready to be multiplied. Fetching is apart, so that a kernel can do other things while memory answers.
fn finish_input4(fetched: vec4f, k4: u32) -> vec4f {
    return fetched;
}

fn input4(row: u32, k4: u32) -> vec4f {
    return fetch_input4(row, k4);
}

fn input_scale(squares: f32) -> f32 {
    return 1.0;
}
