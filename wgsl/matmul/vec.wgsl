// One row of x. A workgroup is TEAMS teams, each of which makes QUADS quads of outputs, its invocations striding along K by pieces.
//
// Small teams have less to add up; several of them a workgroup find what others read of x in the first-level cache.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import dot/q4
#import input/plain
#import bias/none
#import output/store
#import reduce/tree
#import dot/ask

const TEAM: u32 = 64u; // tune: 32 64 128 256
const TEAMS: u32 = 1u; // tune: 1 2 4
const QUADS: u32 = 1u; // tune: 1 2 4
const WORDS: u32 = 4u; // tune: 1 2 4
const F16: u32 = 0u; // tune: 0 1
const LANES: u32 = TEAM * TEAMS;
const SLOTS: u32 = QUADS + 1u; // the last for the squares of x
const BLOCK: vec3u = vec3u(TEAMS * QUADS, 1u, 1u); // of quads by rows
const ROUNDS: u32 = (PIECES + TEAM - 1u) / TEAM;

const_assert LANES >= 32u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let row = launch.first + group.y;
    let place = lane.index % TEAM;
    let first = (group.x * TEAMS + lane.index / TEAM) * QUADS;
    var acc: array<vec4f, QUADS>;
    var total_squares = 0.0;
    // As many rounds for all, so that compilers know their number.
    for (var round = 0u; round < ROUNDS; round++) {
        let piece = place + round * TEAM;
        if PIECES % TEAM == 0u || piece < PIECES {
            squares = 0.0;
            let x = load_piece(row, piece);
            total_squares += squares;
            let asked = ask(first, piece);
            for (var i = 0u; i < QUADS; i++) { // unroll
                let quad = first + i;
                let w = asked[i];
                acc[i] += vec4f(
                    dot_piece(w[0], weight_row(quad, 0u), piece, x), dot_piece(w[1], weight_row(quad, 1u), piece, x),
                    dot_piece(w[2], weight_row(quad, 2u), piece, x), dot_piece(w[3], weight_row(quad, 3u), piece, x),
                );
            }
        }
    }
    for (var i = 0u; i < QUADS; i++) { // unroll
        put_sum(lane, i, acc[i]);
    }
    if NORM {
        put_sum(lane, QUADS, vec4f(total_squares));
    }
    add_sums(lane);
    // A different invocation stores each quad.
    for (var i = 0u; i < QUADS; i++) { // unroll
        if place == i {
            var scale = 1.0;
            if NORM {
                scale = input_scale(get_sum(lane, QUADS).x);
            }
            store4(row, first + i, add_bias(first + i, get_sum(lane, i) * scale));
        }
    }
}
