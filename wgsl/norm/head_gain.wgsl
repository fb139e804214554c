// The gain of an element of a query or key head.
fn gain_of(head: u32, i: u32) -> f32 {
    return vector1(select(launch.query_gain, launch.key_gain, head >= QUERY_HEADS), i);
}
