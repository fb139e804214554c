// Query and key heads are normed. The gain comes behind the rotation.
fn factor_of(head: u32, i: u32, scale: f32) -> f32 {
    return select(scale, 1.0, head >= QUERY_HEADS + KV_HEADS);
}
