// The main loop and the epilogue of mat-vecs. A workgroup is TEAMS teams of TEAM invocations. A
// team makes QUADS quads of outputs for COLUMNS rows of x; its invocations stride along K by
// pieces.
//
// Unpacking is what costs most with 4-bit weights. It is done once for all rows: the calls of dot_quad
// for one quad differ in x only. Columns behind the last row compute the last row again, and do not
// store it.
#import dot/ask

const SQUARES: u32 = (COLUMNS + 3u) / 4u; // slots for the squares of x, four rows each
const SLOTS: u32 = QUADS * COLUMNS + SQUARES;
const BLOCK: vec3u = vec3u(TEAMS * QUADS, COLUMNS, 1u); // of quads by rows
const ROUNDS: u32 = (PIECES + TEAM - 1u) / TEAM;

fn row_at(first_row: u32, column: u32) -> u32 {
    if COLUMNS == 1u {
        return first_row;
    }
    return min(first_row + column, launch.rows - 1u);
}

fn multiply(first_row: u32, group: u32, lane: Lane) {
    let place = lane.index % TEAM;
    let first = (group * TEAMS + lane.index / TEAM) * QUADS;
    var acc: array<vec4f, QUADS * COLUMNS>;
    var total_squares: array<vec4f, SQUARES>;
    var total = 0.0; // of a single row
    // As many rounds for all, so that compilers know their number.
    for (var round = 0u; round < ROUNDS; round++) {
        let piece = place + round * TEAM;
        if PIECES % TEAM == 0u || piece < PIECES {
            var x = array<Piece, COLUMNS>();
            for (var c = 0u; c < COLUMNS; c++) { // unroll
                x[c] = take_piece(row_at(first_row, c), piece);
                if COLUMNS == 1u {
                    total += taken_squares();
                } else {
                    total_squares[c / 4u][c % 4u] += taken_squares();
                }
            }
            let asked = ask(first, piece);
            for (var i = 0u; i < QUADS; i++) { // unroll
                for (var c = 0u; c < COLUMNS; c++) { // unroll
                    acc[i * COLUMNS + c] += dot_quad(asked[i], first + i, piece, x[c]);
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
            put_sum(lane, QUADS * COLUMNS + i, seen_squares(total, total_squares[i]));
        }
    }
    add_sums(lane);
    // A different invocation stores each quad of each row.
    if COLUMNS == 1u {
        for (var i = 0u; i < QUADS; i++) { // unroll
            if place == i {
                store_sum(first_row, first + i, lane, i, 0u);
            }
        }
    } else if place < QUADS * COLUMNS {
        let column = place % COLUMNS;
        store_sum(first_row + column, first + place / COLUMNS, lane, place, column);
    }
}

fn store_sum(row: u32, quad: u32, lane: Lane, slot: u32, column: u32) {
    var scale = 1.0;
    if NORM {
        scale = column_scale(lane, column);
    }
    if COLUMNS == 1u || row < launch.rows {
        store4(row, quad, add_bias(quad, get_sum(lane, slot) * scale));
    }
}
