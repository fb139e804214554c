// y as it is. Output rows have STRIDE elements, of which this dispatch writes N from launch.base on.
#import lib/shape

const STRIDE: u32 = N;

@group(0) @binding(4) var<storage, read_write> output: array<f32>;

// Outputs are made in quads of weight rows, so that an epilogue finds what belongs together in one invocation. Rows behind the end repeat the
// last one and are not stored.
fn weight_row(quad: u32, i: u32) -> u32 {
    return min(4u * quad + i, N - 1u);
}

fn store4(row: u32, quad: u32, y: vec4f) {
    let at = (row - launch.first) * STRIDE + launch.base;
    for (var i = 0u; i < 4u; i++) {
        if 4u * quad + i < N {
            output[at + 4u * quad + i] = y[i];
        }
    }
}
