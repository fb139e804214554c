// One over the root of the mean square of a row.
#import reduce/tree

const K: u32 = 64u;
const EPS: f32 = 1e-6;

struct Moments {
    mean: f32, // that is taken off
    scale: f32,
}

// Of the row at vector `first` of the input.
fn moments_of(first: u32, lane: Lane) -> Moments {
    var squares = 0.0;
    for (var i = lane.index; i < K / 4u; i += LANES) {
        squares += dot(input[first + i], input[first + i]);
    }
    put_sum(lane, 0u, vec4f(squares));
    add_sums(lane);
    return Moments(0.0, inverseSqrt(get_sum(lane, 0u).x / f32(K) + EPS));
}
