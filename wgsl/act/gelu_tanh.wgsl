// The activation x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))).
#import lib/tanh

fn act(x: f32) -> f32 {
    return 0.5 * x * (1.0 + stable_tanh(0.7978845608 * (x + 0.044715 * x * x * x)));
}
