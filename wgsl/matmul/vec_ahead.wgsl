// One row of x with 4-bit weights in half precision, as matmul/vec, but the weights of a round are asked for before those of the round before
// are multiplied: a GPU has all of a product's invocations at once, and waits where all of them do.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import dot/q4_asked
#import input/plain
#import bias/none
#import output/store
#import reduce/tree

const TEAM: u32 = 64u; // tune: 32 64 128
const TEAMS: u32 = 1u; // tune: 1 2 4
const QUADS: u32 = 2u; // tune: 1 2 4
const WORDS: u32 = 4u; // tune: 1 2 4
const LANES: u32 = TEAM * TEAMS;
const SLOTS: u32 = QUADS + 1u; // the last for the squares of x
const BLOCK: vec3u = vec3u(TEAMS * QUADS, 1u, 1u); // of quads by rows
const ROUNDS: u32 = (PIECES + TEAM - 1u) / TEAM;
const FOUR: u32 = 4u; // rows of weights in a quad

const_assert LANES >= 32u;
const_assert QUADS * WORDS <= 8u;

var<private> next: array<Asked, QUADS * FOUR>;

fn ask(first: u32, piece: u32) {
    if PIECES % TEAM == 0u || piece < PIECES {
        for (var i = 0u; i < QUADS; i++) { // unroll
            for (var r = 0u; r < FOUR; r++) { // unroll
                next[i * FOUR + r] = ask_piece(weight_row(first + i, r), piece);
            }
        }
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let row = launch.first + group.y;
    let place = lane.index % TEAM;
    let first = (group.x * TEAMS + lane.index / TEAM) * QUADS;
    var acc: array<vec4f, QUADS>;
    var total_squares = 0.0;
    ask(first, place);
    for (var round = 0u; round < ROUNDS; round++) {
        let piece = place + round * TEAM;
        if PIECES % TEAM == 0u || piece < PIECES {
            squares = 0.0;
            let x = load_piece(row, piece);
            total_squares += squares;
            let now = next;
            if round + 1u < ROUNDS {
                ask(first, piece + TEAM);
            }
            for (var i = 0u; i < QUADS; i++) { // unroll
                let quad = first + i;
                acc[i] += vec4f(
                    dot_asked(now[i * FOUR], weight_row(quad, 0u), piece, x), dot_asked(now[i * FOUR + 1u], weight_row(quad, 1u), piece, x),
                    dot_asked(now[i * FOUR + 2u], weight_row(quad, 2u), piece, x), dot_asked(now[i * FOUR + 3u], weight_row(quad, 3u), piece, x),
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
