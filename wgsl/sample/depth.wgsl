// The depth of an id: how far its logit is below the greatest, over the temperature, in steps of 2^-24. The least depth is the likeliest.
// The weight of an id is exp(-depth). Ids that lie 32 or more below weigh nothing: all of them together are less than a rounding error of
// the sum.
#import plan/depth

const TOP_SHIFT: u32 = 21u; // the upper 8 of 29 bits are a bin, an eighth wide
const BELOW_TOP: u32 = (1u << TOP_SHIFT) - 1u;

fn depth_of(logit: f32, greatest: f32, temperature: f32) -> u32 {
    let depth = (greatest - logit) / temperature;
    if bitcast<u32>(logit) == 0xff800000u || !(depth < 32.0) {
        return NONE;
    }
    return u32(depth * DEPTH_ONE);
}

// The weight at the upper end of a bin.
fn top_weight(bin: u32) -> f32 {
    return exp(-0.125 * f32(bin));
}

// The weight of a depth over that at the upper end of its bin.
fn rest_weight(depth: u32) -> f32 {
    return exp(-f32(depth & BELOW_TOP) / DEPTH_ONE);
}
