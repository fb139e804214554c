// No gain.
fn gain_of(head: u32, i: u32) -> f32 {
    return 1.0;
}
