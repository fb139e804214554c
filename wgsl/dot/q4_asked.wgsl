// Products as in dot/q4_half, of weights that were asked for before: while memory answers, a kernel can do other things.
#import dot/q4_half

struct Asked {
    words: array<u32, WORDS>,
    scale: u32,
}

fn ask_piece(row: u32, piece: u32) -> Asked {
    return Asked(packed_words(row, piece), fetch_scale(row, piece * WORDS / 4u));
}

fn dot_asked(asked: Asked, row: u32, piece: u32, x: Piece) -> f32 {
    var y = vec2<f16>();
    for (var i = 0u; i < WORDS; i++) { // unroll
        y = fma(x.x[4u * i], pair(asked.words[i]), y);
        y = fma(x.x[4u * i + 1u], pair(asked.words[i] >> 4u), y);
        y = fma(x.x[4u * i + 2u], pair(asked.words[i] >> 8u), y);
        y = fma(x.x[4u * i + 3u], pair(asked.words[i] >> 12u), y);
    }
    return finish_scale(asked.scale, row, piece * WORDS / 4u) * 64.0 * (f32(y.x) + f32(y.y));
}
