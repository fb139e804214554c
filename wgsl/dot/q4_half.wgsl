// Products of 4-bit weights with x in half precision, a piece at a time: WORDS words of one group, and the elements of x that go with them.
//
// Two nibbles of a word, one of each half word, become a vector of two halves at once (quant/pair).
// x is divided by 64, so that no sum of a piece leaves the range of a half before x itself does by far.

const PIECES: u32 = GROUPS * 4u / WORDS;
const PAIRS: u32 = 4u * WORDS;

struct Piece {
    x: array<vec2<f16>, PAIRS>, // elements i and i + 4 of each eight
}

fn load_piece(row: u32, piece: u32) -> Piece {
    var loaded: Piece;
    for (var i = 0u; i < WORDS; i++) { // unroll
        let low = input4(row, (piece * WORDS + i) * 2u) * 0.015625;
        let high = input4(row, (piece * WORDS + i) * 2u + 1u) * 0.015625;
        loaded.x[4u * i] = vec2<f16>(vec2f(low.x, high.x));
        loaded.x[4u * i + 1u] = vec2<f16>(vec2f(low.y, high.y));
        loaded.x[4u * i + 2u] = vec2<f16>(vec2f(low.z, high.z));
        loaded.x[4u * i + 3u] = vec2<f16>(vec2f(low.w, high.w));
    }
    return loaded;
}

#import quant/pair

#import dot/q4_asked

fn dot_piece(asked: Asked, row: u32, piece: u32, x: Piece) -> f32 {
    let words = asked.words;
    var y = vec2<f16>();
    for (var i = 0u; i < WORDS; i++) { // unroll
        let shifted = words[i] >> 8u;
        y = fma(x.x[4u * i], low_pair(words[i]), y);
        y = fma(x.x[4u * i + 1u], high_pair(words[i]), y);
        y = fma(x.x[4u * i + 2u], low_pair(shifted), y);
        y = fma(x.x[4u * i + 3u], high_pair(shifted), y);
    }
    return finish_scale(asked.scale, row, piece * WORDS / 4u) * 64.0 * (f32(y.x) + f32(y.y));
}
