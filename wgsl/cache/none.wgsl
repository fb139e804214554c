// No cache: there are query heads alone.
fn append2(element: u32, y: vec2f) {}
