// The rotations of a row, as in embed/rope, with a factor on cosine and sine. Sequences that are marked have other frequencies.
#import lib/launch
#import lib/rows
#import lib/rotation
#import lib/vectors

const HALF_DIM: u32 = 4u;
const FACTOR: f32 = 1.0;

@group(0) @binding(5) var<storage, read_write> rope: array<vec2f>; // [row][HALF_DIM] of (cos, sin)
@group(0) @binding(6) var<storage, read> stretched: array<u32>; // by sequence

fn rotate(row: u32, position: u32, lane: u32, lanes: u32) {
    let frequencies = select(launch.gain, launch.bias, stretched[rows[row].sequence] != 0u);
    for (var i = lane; i < HALF_DIM; i += lanes) {
        rope[row * HALF_DIM + i] = FACTOR * rotation(f32(position) * vector1(frequencies, i));
    }
}
