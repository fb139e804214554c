// up * act(gate), where the gate is the second half. A quad is two up rows and the two gate rows that go with them.
#import lib/shape
#import act/silu

const HALF: u32 = N / 2u;

@group(0) @binding(4) var<storage, read_write> output: array<vec2f>;

fn weight_row(quad: u32, i: u32) -> u32 {
    return min(2u * quad + (i & 1u), HALF - 1u) + HALF * (i >> 1u);
}

fn store4(row: u32, quad: u32, y: vec4f) {
    if 2u * quad < HALF {
        output[row * (HALF / 2u) + quad] = y.xy * vec2f(act(y.z), act(y.w));
    }
}
