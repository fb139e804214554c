// Each workgroup makes QUADS quads of outputs for one row of x, its invocations striding along K by chunks.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import input/plain
#import bias/none
#import output/store
#import reduce/tree

const LANES: u32 = 64u; // tune: 32 64 128 256
const QUADS: u32 = 1u;  // tune: 1 2 4
const BLOCK: vec3u = vec3u(QUADS, 1u, 1u); // of quads by rows

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let row = launch.first + group.y;
    prepare_input(row, lane.index);
    var acc: array<vec4f, QUADS>;
    var total_squares = 0.0;
    for (var chunk = lane.index; chunk < CHUNKS; chunk += LANES) {
        squares = 0.0;
        let x = load_chunk(row, chunk);
        total_squares += squares;
        for (var i = 0u; i < QUADS; i++) {
            let quad = group.x * QUADS + i;
            acc[i] += vec4f(
                dot_chunk(weight_row(quad, 0u), chunk, x), dot_chunk(weight_row(quad, 1u), chunk, x),
                dot_chunk(weight_row(quad, 2u), chunk, x), dot_chunk(weight_row(quad, 3u), chunk, x),
            );
        }
    }
    var scale = 1.0;
    if NORM {
        scale = input_scale(sum_lanes(lane, vec4f(total_squares)).x);
    }
    for (var i = 0u; i < QUADS; i++) {
        let y = sum_lanes(lane, acc[i]) * scale;
        if lane.index == i {
            let quad = group.x * QUADS + i;
            store4(row, quad, add_bias(quad, y));
        }
    }
}
