// Fills a buffer with random words, halves or floats. Each value follows from the seed and its place in the whole buffer.

struct Launch {
    seed: u32,
    // Place of the binding's first word in the buffer.
    first: u32,
    // Words of the binding.
    words: u32,
    // Invocations in a row of the grid.
    stride: u32,
    kind: u32,
    center: f32,
    spread: f32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> launch: Launch;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

const WORDS: u32 = 4;

// A PCG round: a bijection, so that neighbouring places differ in all bits.
fn scramble(value: u32) -> u32 {
    let state = value * 747796405u + 2891336453u;
    let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}

// Evenly spread around the centre.
fn value(bits: u32) -> f32 {
    return launch.center + launch.spread * (f32(bits >> 8u) * (2.0 / 16777216.0) - 1.0);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let start = (id.y * launch.stride + id.x) * WORDS;
    for (var i = start; i < min(start + WORDS, launch.words); i += 1u) {
        let bits = scramble(scramble(launch.first + i) ^ launch.seed);
        switch launch.kind {
            case 1u: { output[i] = pack2x16float(vec2f(value(bits), value(scramble(bits)))); }
            case 2u: { output[i] = bitcast<u32>(value(bits)); }
            default: { output[i] = bits; }
        }
    }
}
