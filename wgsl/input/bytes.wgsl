// x as int8, written by quantize/rows.
#import input/byte_rows

@group(0) @binding(3) var<storage, read> input: array<vec4u>;

// Half `half` of a group: sixteen elements.
fn fetch_bytes(row: u32, half: u32) -> vec4u {
    return input[row * (BYTE_WORDS / 4u) + half];
}

fn fetch_byte_scale(row: u32, group: u32) -> f32 {
    return bitcast<f32>(input[row * (BYTE_WORDS / 4u) + 2u * BYTE_GROUPS + group / 4u][group % 4u]);
}
