// Products of weights that are floats with x, four elements at a time.

const PIECES: u32 = K / 4u;

struct Piece {
    x: vec4f,
}

fn load_piece(row: u32, piece: u32) -> Piece {
    return Piece(input4(row, piece));
}

fn dot_piece(row: u32, piece: u32, x: Piece) -> f32 {
    return dot(weight4(row, piece), x.x);
}
