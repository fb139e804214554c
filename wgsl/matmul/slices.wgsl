// The main loop of tiles: slices of x and W along K go through workgroup memory, one after the
// other. A template says how a slice is fetched from buffers, put into workgroup memory, and
// multiplied into what an invocation sums (`Sums`).
fn multiply_slices(first_row: u32, first_quad: u32, at: Place, lane: u32, acc: ptr<function, Sums>) {
    fetch(0u, first_row, first_quad, lane);
    // A turn asks memory for the next slice, multiplies this one, and only then needs what it asked
    // for.
    for (var slice = 0u; slice < SLICES; slice++) {
        put(slice, first_quad, lane);
        workgroupBarrier();
        if slice + 1u < SLICES {
            fetch(slice + 1u, first_row, first_quad, lane);
        }
        multiply_slice(at, acc);
        workgroupBarrier();
    }
}
