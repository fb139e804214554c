// Pieces of x for a mat-vec, read from the input buffer: each team reads x on its own.

// A piece of a row. Its squares are in `squares`.
fn take_piece(row: u32, piece: u32) -> Piece {
    squares = 0.0;
    return load_piece(row, piece);
}

// The squares of the piece that was taken last.
fn taken_squares() -> f32 {
    return squares;
}

// The squares that this invocation has seen: of one row, or of up to four.
fn seen_squares(one: f32, four: vec4f) -> vec4f {
    if COLUMNS == 1u {
        return vec4f(one);
    }
    return four;
}

// What the results of a row are to be scaled by.
fn column_scale(lane: Lane, column: u32) -> f32 {
    if COLUMNS == 1u {
        return input_scale(get_sum(lane, QUADS).x);
    }
    return input_scale(get_sum(lane, QUADS * COLUMNS + column / 4u)[column % 4u]);
}
