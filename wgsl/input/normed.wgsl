// x as norm/rows leaves it.
#import stage/eight

@group(0) @binding(3) var<storage, read> input: array<Eight>;

const NORM: bool = false;
var<private> squares: f32;

fn input_scale(squares: f32) -> f32 {
    return 1.0;
}
