// Keeps scores below CAP by a hyperbolic tangent. The built-in one is infinity over infinity for large numbers on some drivers.
const CAP: f32 = 50.0;

fn score_of(x: vec4f) -> vec4f {
    return CAP - 2.0 * CAP / (exp(x * (2.0 / CAP)) + 1.0);
}

// The same of scores in units of the binary logarithm.
fn log2_score_of(x: vec4f) -> vec4f {
    return 1.4426950 * score_of(x * 0.6931472);
}
