// The rotations of a row: cosine and sine of its position times each frequency.
#import lib/launch
#import lib/rotation
#import lib/vectors

const HALF_DIM: u32 = 4u;

@group(0) @binding(5) var<storage, read_write> rope: array<vec2f>; // [row][HALF_DIM] of (cos, sin)

fn rotate(row: u32, position: u32, lane: u32, lanes: u32) {
    for (var i = lane; i < HALF_DIM; i += lanes) {
        rope[row * HALF_DIM + i] = rotation(f32(position) * vector1(launch.gain, i));
    }
}
