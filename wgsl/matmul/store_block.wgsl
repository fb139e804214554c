// The epilogue of tiles in which an invocation makes TM neighbouring rows by QUADS neighbouring quads.
#import stage/squares

alias Sums = array<vec4f, TM * QUADS>;

fn store_block(first_row: u32, first_quad: u32, at: Place, lane: u32, acc: ptr<function, Sums>) {
    add_squares(lane);
    for (var m = 0u; m < TM; m++) { // unroll
        let tile_row = at.down * TM + m;
        let row = first_row + tile_row;
        let scale = row_scale(tile_row);
        if row < launch.rows {
            for (var q = 0u; q < QUADS; q++) { // unroll
                let quad = first_quad + at.across * QUADS + q;
                store4(row, quad, add_bias(quad, (*acc)[m * QUADS + q] * scale));
            }
        }
    }
}
