// Where a key or value lies: in a page that the sequence's row of the page table names.
#import plan/page

fn key_at(table: u32, position: u32, value: u32, kv: u32) -> u32 {
    let page = pages[table + position / PAGE_SIZE];
    return (((page * 2u + value) * KV_HEADS + kv) * PAGE_SIZE + position % PAGE_SIZE) * D4;
}
