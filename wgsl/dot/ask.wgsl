// Loads the weights of a team's quads. All loads are issued before the first value is needed, since
// compilers keep loads where they stand.
fn ask(first: u32, piece: u32) -> array<array<Asked, 4>, QUADS> {
    var asked: array<array<Asked, 4>, QUADS>;
    for (var i = 0u; i < QUADS; i++) { // unroll
        let quad = first + i;
        asked[i][0] = ask_piece(weight_row(quad, 0u), piece);
        asked[i][1] = ask_piece(weight_row(quad, 1u), piece);
        asked[i][2] = ask_piece(weight_row(quad, 2u), piece);
        asked[i][3] = ask_piece(weight_row(quad, 3u), piece);
    }
    return asked;
}

// A piece of the dot products of a quad of weights with x.
fn dot_quad(w: array<Asked, 4>, quad: u32, piece: u32, x: Piece) -> vec4f {
    return vec4f(
        dot_piece(w[0], weight_row(quad, 0u), piece, x), dot_piece(w[1], weight_row(quad, 1u), piece, x),
        dot_piece(w[2], weight_row(quad, 2u), piece, x), dot_piece(w[3], weight_row(quad, 3u), piece, x),
    );
}
