// What the host says of each row of a step: plan::Row.
struct Row {
    token: u32,
    position: u32,
    slot: u32,
    sequence: u32,
}

@group(0) @binding(1) var<storage, read> rows: array<Row>;
