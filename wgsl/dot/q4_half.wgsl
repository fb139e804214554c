// Dot products of 4-bit weights with x in half precision, a piece at a time: WORDS words of one
// group, and the elements of x that go with them.
//
// Two nibbles of a word, one of each half word, become a vector of two halves at once (quant/pair).
//
// A half holds magnitudes from 2^-14 to 65504. Devices may flush smaller ones to zero. So each piece
// of x is scaled by a power of two of its own, which is exact: the root of its sum of squares then
// lies between 2^9 and 2^10. An element is less than 2^10, and a sum of sixteen elements times
// weights of up to 8 stays below 2^15. What an element loses at 2^-14 is less than the rounding of
// the greatest element.

const PIECES: u32 = GROUPS * 4u / WORDS;
const PAIRS: u32 = 4u * WORDS;
const VECTORS: u32 = 2u * WORDS; // of four elements

struct Piece {
    x: array<vec2<f16>, PAIRS>, // elements i and i + 4 of each eight
    unit: f32, // what they are to be multiplied by
}

fn load_piece(row: u32, piece: u32) -> Piece {
    var found: array<vec4f, VECTORS>;
    var sum = 0.0;
    for (var i = 0u; i < VECTORS; i++) { // unroll
        found[i] = input4(row, piece * VECTORS + i);
        sum += dot(found[i], found[i]);
    }
    // 64 and half the exponent of the sum: the root is between 2^(half - 64) and twice that.
    let half = (bitcast<u32>(sum) + 0x00800000u) >> 24u;
    let power = bitcast<f32>((200u - half) << 23u); // 2^(73 - half)
    var loaded: Piece;
    loaded.unit = bitcast<f32>((54u + half) << 23u); // one over it
    for (var i = 0u; i < WORDS; i++) { // unroll
        let low = found[2u * i] * power;
        let high = found[2u * i + 1u] * power;
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
    return finish_scale(asked.scale, row, piece * WORDS / 4u) * x.unit * (f32(y.x) + f32(y.y));
}
