// The parts that split attention left of each head (attention/row), put together. For kernels that work on one row.
#import lib/shape

const HEADS: u32 = 8u;
const HEAD_DIM: u32 = 8u;
const MAX_SPLITS: u32 = 16u;
const AT_ONCE: u32 = 4u;
const PART: u32 = HEAD_DIM / 4u + 1u; // vectors of a part: the sum, then (maximum, denominator, unused, unused)

@group(0) @binding(3) var<storage, read> input: array<vec4f>;

const NORM: bool = false;
var<private> squares: f32;

// What each part of each head counts for; nothing where there is no such part.
var<workgroup> factors: array<f32, HEADS * MAX_SPLITS>;
var<workgroup> denominators: array<f32, HEADS * MAX_SPLITS>;
var<workgroup> inverses: array<f32, HEADS>;

const EACH: u32 = (HEADS * MAX_SPLITS + LANES - 1u) / LANES;

fn prepare_input(row: u32, lane: u32) {
    // All parts are asked for at once: there are few invocations, and memory is far.
    for (var turn = 0u; turn < EACH; turn++) { // unroll
        let i = turn * LANES + lane;
        let s = i % MAX_SPLITS;
        if i < HEADS * MAX_SPLITS && s < launch.splits {
            let part = input[((row * HEADS + i / MAX_SPLITS) * launch.splits + s) * PART + PART - 1u];
            factors[i] = part.x;
            denominators[i] = part.y;
        }
    }
    workgroupBarrier();
    for (var head = lane; head < HEADS; head += LANES) {
        let first = head * MAX_SPLITS;
        var maximum = -3.4e38;
        for (var s = 0u; s < MAX_SPLITS; s++) {
            maximum = select(maximum, max(maximum, factors[first + s]), s < launch.splits);
        }
        var denominator = 0.0;
        for (var s = 0u; s < MAX_SPLITS; s++) {
            let factor = select(0.0, exp(factors[first + s] - maximum), s < launch.splits);
            factors[first + s] = factor;
            denominator += select(0.0, factor * denominators[first + s], s < launch.splits);
        }
        inverses[head] = 1.0 / denominator;
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
    // Four parts are under way at a time; what lies behind the last counts for nothing.
    for (var s = 0u; s < launch.splits; s += AT_ONCE) {
        for (var i = 0u; i < AT_ONCE; i++) { // unroll
            let part = input[(first + min(s + i, launch.splits - 1u)) * PART + k4 % (HEAD_DIM / 4u)];
            sum = fma(vec4f(factors[head * MAX_SPLITS + s + i]), part, sum);
        }
    }
    return sum * inverses[head];
}

fn input_scale(squares: f32) -> f32 {
    return 1.0;
}
