// A few rows of x, of sequences that are decoded together: as matmul/vec, but for COLUMNS rows at once. What costs most of a product of 4-bit
// weights is to unpack them, and that is done once for all of these: the calls of dot_piece for one row of weights differ in x only, so that
// compilers unpack once.
//
// Rows behind the last are made of the last again, and not stored.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import dot/q4
#import input/plain
#import bias/none
#import output/store
#import reduce/tree
#import dot/ask

const TEAM: u32 = 64u;   // tune: 32 64 128
const TEAMS: u32 = 1u;   // tune: 1 2 4
const QUADS: u32 = 1u;   // tune: 1 2 4
const COLUMNS: u32 = 4u; // tune: 1 2 4 8
const WORDS: u32 = 4u;   // tune: 1 2 4
const F16: u32 = 0u;     // tune: 0 1
const LANES: u32 = TEAM * TEAMS;
const SQUARES: u32 = (COLUMNS + 3u) / 4u; // slots for the squares of x, four rows each
const SLOTS: u32 = QUADS * COLUMNS + SQUARES;
const BLOCK: vec3u = vec3u(TEAMS * QUADS, COLUMNS, 1u); // of quads by rows
const ROUNDS: u32 = (PIECES + TEAM - 1u) / TEAM;

const_assert LANES >= 32u;
const_assert QUADS * COLUMNS <= TEAM;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let first_row = launch.first + group.y * COLUMNS;
    let place = lane.index % TEAM;
    let first = (group.x * TEAMS + lane.index / TEAM) * QUADS;
    var acc: array<vec4f, QUADS * COLUMNS>;
    var total_squares: array<vec4f, SQUARES>;
    // As many rounds for all, so that compilers know their number.
    for (var round = 0u; round < ROUNDS; round++) {
        let piece = place + round * TEAM;
        if PIECES % TEAM == 0u || piece < PIECES {
            var x = array<Piece, COLUMNS>();
            for (var c = 0u; c < COLUMNS; c++) { // unroll
                squares = 0.0;
                x[c] = load_piece(min(first_row + c, launch.rows - 1u), piece);
                total_squares[c / 4u][c % 4u] += squares;
            }
            let asked = ask(first, piece);
            for (var i = 0u; i < QUADS; i++) { // unroll
                let quad = first + i;
                let w = asked[i];
                for (var c = 0u; c < COLUMNS; c++) { // unroll
                    acc[i * COLUMNS + c] += vec4f(
                        dot_piece(w[0], weight_row(quad, 0u), piece, x[c]), dot_piece(w[1], weight_row(quad, 1u), piece, x[c]),
                        dot_piece(w[2], weight_row(quad, 2u), piece, x[c]), dot_piece(w[3], weight_row(quad, 3u), piece, x[c]),
                    );
                }
            }
        }
    }
    for (var i = 0u; i < QUADS; i++) { // unroll
        for (var c = 0u; c < COLUMNS; c++) { // unroll
            put_sum(lane, i * COLUMNS + c, acc[i * COLUMNS + c]);
        }
    }
    if NORM {
        for (var i = 0u; i < SQUARES; i++) { // unroll
            put_sum(lane, QUADS * COLUMNS + i, total_squares[i]);
        }
    }
    add_sums(lane);
    // A different invocation stores each quad of each row.
    if place < QUADS * COLUMNS {
        let column = place % COLUMNS;
        let quad = first + place / COLUMNS;
        let row = first_row + column;
        var scale = 1.0;
        if NORM {
            scale = input_scale(get_sum(lane, QUADS * COLUMNS + column / 4u)[column % 4u]);
        }
        if row < launch.rows {
            store4(row, quad, add_bias(quad, get_sum(lane, place) * scale));
        }
    }
}
