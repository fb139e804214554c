// Nothing is rotated.
fn rotate(row: u32, position: u32, lane: u32, lanes: u32) {}
