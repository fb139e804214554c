// Writes the result for a part of the sequence: f32[row - launch.first][head][part] of the sum, then maximum and denominator. Before them
// is the place of what attention/merge makes of the parts, for all rows of the step.
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;

fn write_part(row: u32, head: u32, part: u32, column: u32, sum: vec4f, maximum: f32, denominator: f32) {
    let at = launch.rows * QUERY_HEADS * D4 + (((row - launch.first) * QUERY_HEADS + head) * launch.splits + part) * (D4 + 1u);
    output[at + column] = sum;
    if column == 0u {
        output[at + D4] = vec4f(maximum, denominator, 0.0, 0.0);
    }
}
