// The activation x / 2 * (1 + erf(x / sqrt(2))). The error function is formula 7.1.26 of Abramowitz and Stegun, right to 1.5e-7.
fn act(x: f32) -> f32 {
    let z = abs(x) * 0.70710678;
    let t = 1.0 / (1.0 + 0.3275911 * z);
    let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    let rest = series * exp(-z * z);
    return 0.5 * x * select(2.0 - rest, rest, x < 0.0);
}
