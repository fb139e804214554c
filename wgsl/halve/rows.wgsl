// Rows of x in half precision, a workgroup a row, for products of a few rows: their workgroups would
// each make the same halves again.
//
// A half holds magnitudes from 2^-14 to 65504; devices may take what is smaller for zero. So each row
// has a power of two of its own, which is exact: the root of its sum of squares comes to lie between
// 2^9 and 2^10. An element is then less than 2^10, and sixteen of them times weights of up to 8 stay
// below 2^15.
//
// A row is its eights, in the order of stage/eight, then a vector of which the first word is what the
// halves are to be multiplied by.
#import lib/launch
#import lib/shape
#import input/plain
#import reduce/tree

const CHUNK: u32 = 4u; // rows end with their elements
const LANES: u32 = 128u; // tune: 32 64 128
const TEAM: u32 = LANES;
const SLOTS: u32 = 1u;
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of nothing by rows
const EIGHTS: u32 = K / 8u;

const_assert K % 8u == 0u;
const_assert LANES <= 128u; // Chrome takes no wider shuffles, not even in loops that end before them

@group(0) @binding(4) var<storage, read_write> output: array<vec4u>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let row = launch.first + group.y;
    squares = 0.0;
    var gained = 0.0; // squares of what is stored, but for the scale of the norm
    for (var i = lane.index; i < K / 4u; i += LANES) {
        let x = input4(row, i);
        gained += dot(x, x);
    }
    put_sum(lane, 0u, vec4f(squares, gained, 0.0, 0.0));
    add_sums(lane);
    let sums = get_sum(lane, 0u);
    let scale = input_scale(sums.x);
    // 64 and half the exponent of the sum: the root is between 2^(half - 64) and twice that.
    let half = (bitcast<u32>(sums.y * scale * scale) + 0x00800000u) >> 24u;
    let factor = scale * bitcast<f32>((200u - half) << 23u); // 2^(73 - half)
    let first = row * (EIGHTS + 1u);
    for (var i = lane.index; i < EIGHTS; i += LANES) {
        let low = input4(row, 2u * i) * factor;
        let high = input4(row, 2u * i + 1u) * factor;
        output[first + i] = vec4u(
            pack2x16float(vec2f(low.x, high.x)), pack2x16float(vec2f(low.y, high.y)),
            pack2x16float(vec2f(low.z, high.z)), pack2x16float(vec2f(low.w, high.w)),
        );
    }
    if lane.index == 0u {
        output[first + EIGHTS] = vec4u((54u + half) << 23u, 0u, 0u, 0u); // one over the power
    }
}
