// The parts that split attention left of each head (attention/flash.wgsl), put together. For kernels that work on one row.
#import lib/shape

const HEADS: u32 = 8u;
const HEAD_DIM: u32 = 8u;
const MAX_SPLITS: u32 = 16u;
const PART: u32 = HEAD_DIM / 4u + 1u; // vectors of a part: the sum, then (maximum, denominator, unused, unused)

@group(0) @binding(3) var<storage, read> input: array<vec4f>;

const NORM: bool = false;
var<private> squares: f32;

// What each part of each head counts for.
var<workgroup> factors: array<f32, HEADS * MAX_SPLITS>;

fn prepare_input(row: u32, lane: u32) {
    let splits = launch.splits;
    for (var head = lane; head < HEADS; head += LANES) {
        let first = (row * HEADS + head) * splits;
        var maximum = -3.4e38;
        for (var s = 0u; s < splits; s++) {
            maximum = max(maximum, input[(first + s) * PART + PART - 1u].x);
        }
        var denominator = 0.0;
        for (var s = 0u; s < splits; s++) {
            let part = input[(first + s) * PART + PART - 1u].xy;
            let factor = exp(part.x - maximum);
            factors[head * MAX_SPLITS + s] = factor;
            denominator += factor * part.y;
        }
        for (var s = 0u; s < splits; s++) {
            factors[head * MAX_SPLITS + s] /= denominator;
        }
    }
    workgroupBarrier();
}

fn input4(row: u32, k4: u32) -> vec4f {
    if K % CHUNK != 0u && 4u * k4 >= K {
        return vec4f();
    }
    let head = k4 / (HEAD_DIM / 4u);
    let first = (row * HEADS + head) * launch.splits;
    var sum = vec4f();
    for (var s = 0u; s < launch.splits; s++) {
        sum = fma(vec4f(factors[head * MAX_SPLITS + s]), input[(first + s) * PART + k4 % (HEAD_DIM / 4u)], sum);
    }
    return sum;
}

fn input_scale(squares: f32) -> f32 {
    return 1.0;
}
