// Where a key or value lies: pages of sixteen, found through the table of the sequence.
fn key_at(table: u32, position: u32, value: u32, kv: u32) -> u32 {
    let page = pages[table + position / 16u];
    return (((page * 2u + value) * KV_HEADS + kv) * 16u + position % 16u) * D4;
}
