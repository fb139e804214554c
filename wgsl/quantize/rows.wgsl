// Rows of x as int8, one workgroup per row: groups of 32 elements, each with a scale of its own, a 127th of its greatest magnitude. With a
// norm, the second reading of a row finds it in the cache.
//
// A row is the words of its groups, eight each, then their scales. Of eight neighbours, one word holds elements 0 2 4 6 and the next 1 3 5
// 7. 4-bit weights unpack to int8 in the same order.
#import lib/launch
#import lib/shape
#import input/plain
#import input/byte_rows
#import reduce/tree

const CHUNK: u32 = 32u; // rows are padded with zeros to a multiple of this
const LANES: u32 = 128u; // tune: 32 64 128
const TEAM: u32 = LANES;
const SLOTS: u32 = 1u;
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of nothing by rows

const_assert LANES <= 128u; // Chrome takes no wider shuffles, not even in loops that end before them

@group(0) @binding(4) var<storage, read_write> output: array<u32>;

// The nearest integers, as int8. NaN must not reach the neighbours.
fn bytes(x: vec4f) -> u32 {
    let byte = bitcast<vec4u>(vec4i(clamp(round(x), vec4f(-127.0), vec4f(127.0)))) & vec4u(0xffu);
    return byte.x | (byte.y << 8u) | (byte.z << 16u) | (byte.w << 24u);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let row = group.y;
    var factor = 1.0;
    if NORM {
        squares = 0.0;
        for (var i = lane.index; i < K / 4u; i += LANES) {
            _ = input4(row, i);
        }
        put_sum(lane, 0u, vec4f(squares));
        add_sums(lane);
        factor = input_scale(get_sum(lane, 0u).x);
    }
    for (var g = lane.index; g < BYTE_GROUPS; g += LANES) {
        var x = array<vec4f, 8>();
        var most = vec4f();
        for (var i = 0u; i < GROUP_QUADS; i++) { // unroll
            x[i] = input4(row, g * GROUP_QUADS + i) * factor;
            most = max(most, abs(x[i]));
        }
        let greatest = max(max(most.x, most.y), max(most.z, most.w));
        // The inverse of anything smaller would be infinite.
        let inverse = select(0.0, 127.0 / greatest, greatest > 1e-30);
        let at = row * BYTE_WORDS + g * GROUP_QUADS;
        for (var i = 0u; i < GROUP_EIGHTS; i++) { // unroll
            let low = x[2u * i] * inverse;
            let high = x[2u * i + 1u] * inverse;
            output[at + 2u * i] = bytes(vec4f(low.xz, high.xz));
            output[at + 2u * i + 1u] = bytes(vec4f(low.yw, high.yw));
        }
        output[row * BYTE_WORDS + BYTE_GROUPS * GROUP_QUADS + g] = bitcast<u32>(greatest / 127.0);
    }
}
