// Dot products of 4-bit weights with x, a piece at a time: WORDS words of one group, and the elements of x that go with them.
// A nibble comes as a multiple of its value, by its place in the half word (quant/q4). x is divided by that factor once for all rows.
//
// With one word a piece, neighbouring invocations read neighbouring parts of x. Four words make fewer, larger loads of weights.

const PIECES: u32 = GROUPS * 4u / WORDS;
const HALVES: u32 = 2u * WORDS; // half words of a piece

struct Piece {
    x: array<vec4f, HALVES>, // by half words, each element divided by the weight of its place
    sum: f32, // of x: times the zero point, it is what stored weights are too large by
}

fn load_piece(row: u32, piece: u32) -> Piece {
    var loaded: Piece;
    var sum = vec4f();
    for (var i = 0u; i < HALVES; i++) { // unroll
        let x = input4(row, piece * HALVES + i);
        sum += x;
        loaded.x[i] = x * PLACE_VALUE;
    }
    loaded.sum = dot(sum, vec4f(1.0));
    return loaded;
}

#import dot/q4_asked

fn dot_piece(asked: Asked, row: u32, piece: u32, x: Piece) -> f32 {
    let words = asked.words;
    var y = vec4f();
    for (var i = 0u; i < WORDS; i++) { // unroll
        y = fma(x.x[2u * i], nibbles(words[i]), y);
        y = fma(x.x[2u * i + 1u], nibbles(words[i] >> 16u), y);
    }
    return finish_scale(asked.scale, row, piece * WORDS / 4u) * (dot(y, vec4f(1.0)) - 7.0 * x.sum);
}
