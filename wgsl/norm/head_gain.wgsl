// Query and key heads are normed, with a gain.
fn factor_of(head: u32, i: u32, scale: f32) -> f32 {
    if head >= QUERY_HEADS + KV_HEADS {
        return 1.0;
    }
    return scale * vector1(select(launch.query_gain, launch.key_gain, head >= QUERY_HEADS), i);
}
