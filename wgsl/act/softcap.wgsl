// Keeps x below CAP by a hyperbolic tangent.
#import lib/tanh

const CAP: f32 = 30.0;

fn act(x: f32) -> f32 {
    return CAP * stable_tanh(x / CAP);
}
