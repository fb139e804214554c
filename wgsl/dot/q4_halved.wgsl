// Dot products of 4-bit weights with x as halve/rows leaves it, a piece at a time: WORDS words of one
// group, and the elements of x that go with them. Nothing is left to do to x.

const PIECES: u32 = GROUPS * 4u / WORDS;
const PAIRS: u32 = 4u * WORDS;
const EIGHTS: u32 = K / 8u; // of a row, then a vector with its power of two

@group(0) @binding(3) var<storage, read> input: array<vec4u>;

struct Piece {
    x: array<vec2<f16>, PAIRS>, // elements i and i + 4 of each eight
}

fn load_piece(row: u32, piece: u32) -> Piece {
    var loaded: Piece;
    for (var i = 0u; i < WORDS; i++) { // unroll
        let eight = piece * WORDS + i;
        // Zero behind the end, where padded weights mean nothing.
        let inside = K % 32u == 0u || eight < EIGHTS;
        let pairs = select(vec4u(), input[row * (EIGHTS + 1u) + eight], inside);
        loaded.x[4u * i] = vec2<f16>(unpack2x16float(pairs.x));
        loaded.x[4u * i + 1u] = vec2<f16>(unpack2x16float(pairs.y));
        loaded.x[4u * i + 2u] = vec2<f16>(unpack2x16float(pairs.z));
        loaded.x[4u * i + 3u] = vec2<f16>(unpack2x16float(pairs.w));
    }
    return loaded;
}

// What the halves of a row are to be multiplied by.
fn row_unit(row: u32) -> f32 {
    return bitcast<f32>(input[row * (EIGHTS + 1u) + EIGHTS].x);
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
    return finish_scale(asked.scale, row, piece * WORDS / 4u) * (f32(y.x) + f32(y.y));
}
