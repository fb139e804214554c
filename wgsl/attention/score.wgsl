// Scores as they are.
fn score_of(x: vec4f) -> vec4f {
    return x;
}

// The same of scores in units of the binary logarithm.
fn log2_score_of(x: vec4f) -> vec4f {
    return x;
}
