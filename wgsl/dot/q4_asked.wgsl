// What is loaded for a piece of a row of 4-bit weights. Loading is apart, so that a kernel can load several rows before it needs the first.
struct Asked {
    words: array<u32, WORDS>,
    scale: u32,
}

fn ask_piece(row: u32, piece: u32) -> Asked {
    return Asked(packed_words(row, piece), fetch_scale(row, piece * WORDS / 4u));
}
