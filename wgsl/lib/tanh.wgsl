// The hyperbolic tangent of any number. The built-in one is infinity over infinity for large numbers on some drivers.
fn stable_tanh(x: f32) -> f32 {
    return 1.0 - 2.0 / (exp(2.0 * x) + 1.0);
}
