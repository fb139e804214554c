// The places of invocations in a tile of which each makes a block: ACROSS blocks side by side.
//
// Four neighbours make a square. Two that stand side by side then read the same rows of x, and two that stand one above the other the same
// rows of W. Workgroup memory answers both halves of a subgroup at once if every invocation agrees with a neighbour.
struct Place {
    down: u32,
    across: u32,
}

const_assert ACROSS % 2u == 0u;

fn place(lane: u32) -> Place {
    let square = lane / 4u;
    return Place(2u * (square / (ACROSS / 2u)) + (lane / 2u) % 2u, 2u * (square % (ACROSS / 2u)) + lane % 2u);
}
