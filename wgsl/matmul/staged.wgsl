// Pieces of x for a mat-vec of one row, from workgroup memory. All invocations put them there together:
// `stage`, then a barrier.
//
// The words of a piece are stored far apart, so that neighbouring invocations read neighbouring memory.
var<workgroup> staged: array<vec4<f16>, VECTORS * PIECES>; // two pairs each
var<workgroup> units: array<f32, PIECES>;

fn stage(row: u32, lane: u32) {
    for (var piece = lane; piece < PIECES; piece += LANES) {
        let x = load_piece(row, piece);
        units[piece] = x.unit;
        for (var i = 0u; i < VECTORS; i++) { // unroll
            staged[i * PIECES + piece] = vec4<f16>(x.x[2u * i], x.x[2u * i + 1u]);
        }
    }
}

fn take_piece(row: u32, piece: u32) -> Piece {
    var x: Piece;
    x.unit = units[piece];
    for (var i = 0u; i < VECTORS; i++) { // unroll
        let pairs = staged[i * PIECES + piece];
        x.x[2u * i] = pairs.xy;
        x.x[2u * i + 1u] = pairs.zw;
    }
    return x;
}

// Squares are summed while x is staged.
fn taken_squares() -> f32 {
    return 0.0;
}

fn seen_squares(one: f32, four: vec4f) -> vec4f {
    return vec4f(squares);
}

// Each team has put the squares of a part of x.
fn column_scale(lane: Lane, column: u32) -> f32 {
    var total = 0.0;
    var other = lane;
    for (var team = 0u; team < TEAMS; team++) { // unroll
        other.index = team * TEAM;
        total += get_sum(other, QUADS).x;
    }
    return input_scale(total);
}
