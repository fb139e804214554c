// The places of invocations in a tile: ACROSS side by side, line by line.
struct Place {
    down: u32,
    across: u32,
}

fn place(lane: u32) -> Place {
    return Place(lane / ACROSS, lane % ACROSS);
}
