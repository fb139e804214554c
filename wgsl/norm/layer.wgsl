// Mean of a row, and one over its standard deviation. The mean is computed before deviations are squared: the difference of two large sums
// would lose the digits of a small variance.
#import reduce/tree

const K: u32 = 64u;
const EPS: f32 = 1e-6;

struct Moments {
    mean: f32, // that is taken off
    scale: f32,
}

// Of the row at vector `first` of the input.
fn moments_of(first: u32, lane: Lane) -> Moments {
    var sum = 0.0;
    for (var i = lane.index; i < K / 4u; i += LANES) {
        sum += dot(input[first + i], vec4f(1.0));
    }
    put_sum(lane, 0u, vec4f(sum));
    add_sums(lane);
    let mean = get_sum(lane, 0u).x / f32(K);
    workgroupBarrier();
    var squares = 0.0;
    for (var i = lane.index; i < K / 4u; i += LANES) {
        let deviation = input[first + i] - mean;
        squares += dot(deviation, deviation);
    }
    put_sum(lane, 0u, vec4f(squares));
    add_sums(lane);
    return Moments(mean, inverseSqrt(get_sum(lane, 0u).x / f32(K) + EPS));
}
