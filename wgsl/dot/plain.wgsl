// Dot products of float weights with x, four elements at a time.

const PIECES: u32 = K / 4u;

struct Piece {
    x: vec4f,
}

fn load_piece(row: u32, piece: u32) -> Piece {
    return Piece(input4(row, piece));
}

// What is loaded for a piece of a row of weights. Loading is apart, so that a kernel can load several rows before it needs the first.
alias Asked = vec4f;

fn ask_piece(row: u32, piece: u32) -> Asked {
    return weight4(row, piece);
}

fn dot_piece(asked: Asked, row: u32, piece: u32, x: Piece) -> f32 {
    return dot(asked, x.x);
}
