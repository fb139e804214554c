// Writes the result for a whole sequence: the sum over its denominator, f32[row][head][element].
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;

fn write_part(row: u32, head: u32, part: u32, column: u32, sum: vec4f, maximum: f32, denominator: f32) {
    output[(row * QUERY_HEADS + head) * D4 + column] = sum / denominator;
}
