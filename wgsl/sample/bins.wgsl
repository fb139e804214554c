// For each bin of depth, the weight and the number of a row's ids. Parts sum weights in integers, so that their order does not matter.
#import sample/scratch
#import sample/depth

var<workgroup> bins: array<atomic<u32>, LANES>;

// Weights of a part are summed in units of this part of one; all of them together stay within 32 bits.
const UNIT: u32 = 0x80000000u / SHARE;

// The weight of bin `lane` over all parts.
fn bin_weight(lane: u32, row: u32) -> f32 {
    var sum = 0.0;
    for (var part = 0u; part < PARTS; part++) {
        sum += f32(scratch[row + HISTOGRAM + part * LANES + lane]);
    }
    return sum / f32(UNIT) * top_weight(lane);
}

// How many ids bin `lane` has over all parts.
fn bin_count(lane: u32, row: u32) -> f32 {
    var sum = 0u;
    for (var part = 0u; part < PARTS; part++) {
        sum += scratch[row + TALLY + part * LANES + lane];
    }
    return f32(sum);
}
