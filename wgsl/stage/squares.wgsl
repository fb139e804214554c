// Squares of x for the norm, summed while slices of x are staged: DEPTH neighbouring invocations stage a row, X_LOADS rows each. Without a
// norm the array has 16 bytes, so that fragments beside it stay on multiples of 16 (see attention/flash_matrix).
var<workgroup> row_squares: array<f32, select(4u, BM, NORM)>;

// What an invocation has seen of its rows.
var<private> sums: array<f32, X_LOADS>;

// The row of a tile that an invocation stages at its turn `i`.
fn staged_row(lane: u32, i: u32) -> u32 {
    return lane / DEPTH + i * (LANES / DEPTH);
}

// Puts the sums of all invocations together, where there is a norm.
fn add_squares(lane: u32) {
    if NORM {
        for (var turn = 0u; turn < DEPTH; turn++) {
            if lane % DEPTH == turn {
                for (var i = 0u; i < X_LOADS; i++) { // unroll
                    let row = staged_row(lane, i);
                    row_squares[row] = select(row_squares[row], 0.0, turn == 0u) + sums[i];
                }
            }
            workgroupBarrier();
        }
    }
}

// What the results of a row of the tile are to be scaled by.
fn row_scale(tile_row: u32) -> f32 {
    if NORM {
        return input_scale(row_squares[tile_row]);
    }
    return 1.0;
}
