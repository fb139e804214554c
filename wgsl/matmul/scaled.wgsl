// Pieces of x for a mat-vec, of rows that have a power of two each.
//
// The power takes the way of the squares of a norm to the epilogue: the invocation with a row's first
// piece has it, the others have zero, and the sum over the team is the power.
const NORM: bool = true;
var<private> unit: f32;

fn take_piece(row: u32, piece: u32) -> Piece {
    unit = 0.0;
    if piece == 0u {
        unit = row_unit(row);
    }
    return load_piece(row, piece);
}

fn taken_squares() -> f32 {
    return unit;
}

fn seen_squares(one: f32, four: vec4f) -> vec4f {
    if COLUMNS == 1u {
        return vec4f(one, 0.0, 0.0, 0.0);
    }
    return four;
}

// What the results of a row are to be scaled by.
fn column_scale(lane: Lane, column: u32) -> f32 {
    return get_sum(lane, QUADS * COLUMNS + column / 4u)[column % 4u];
}
