// One row of x with 4-bit weights in half precision, as matmul/vec, but a workgroup makes x ready once for all of its teams, in workgroup
// memory: to load a piece, to multiply it with its gain and to make halves of it costs a team as much as a few rows of weights do.
//
// Invocations put the pieces of x apart by words, so that neighbours read neighbouring memory.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import dot/q4_half
#import input/plain
#import bias/none
#import output/store
#import reduce/tree
#import dot/ask

const LANES: u32 = 256u; // tune: 128 256
const TEAM: u32 = 32u; // tune: 32 64 128
const QUADS: u32 = 2u; // tune: 1 2
const WORDS: u32 = 4u; // tune: 2 4
const TEAMS: u32 = LANES / TEAM;
const SLOTS: u32 = QUADS + 1u; // the last for the squares of x
const BLOCK: vec3u = vec3u(TEAMS * QUADS, 1u, 1u); // of quads by rows
const ROUNDS: u32 = (PIECES + TEAM - 1u) / TEAM;
const VECTORS: u32 = 2u * WORDS; // of a piece, two pairs each
var<workgroup> staged: array<vec4<f16>, VECTORS * PIECES>;

fn stage(row: u32, lane: u32) {
    for (var piece = lane; piece < PIECES; piece += LANES) {
        let x = load_piece(row, piece);
        for (var i = 0u; i < VECTORS; i++) { // unroll
            staged[i * PIECES + piece] = vec4<f16>(x.x[2u * i], x.x[2u * i + 1u]);
        }
    }
}

fn staged_piece(piece: u32) -> Piece {
    var x: Piece;
    for (var i = 0u; i < VECTORS; i++) { // unroll
        let pairs = staged[i * PIECES + piece];
        x.x[2u * i] = pairs.xy;
        x.x[2u * i + 1u] = pairs.zw;
    }
    return x;
}

// Of all teams, which have put the squares of a part of x each.
fn staged_scale(lane: Lane) -> f32 {
    var total = 0.0;
    var other = lane;
    for (var team = 0u; team < TEAMS; team++) { // unroll
        other.index = team * TEAM;
        total += get_sum(other, QUADS).x;
    }
    return input_scale(total);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let row = launch.first + group.y;
    let place = lane.index % TEAM;
    let first = (group.x * TEAMS + lane.index / TEAM) * QUADS;
    stage(row, lane.index);
    workgroupBarrier();
    var acc: array<vec4f, QUADS>;
    // As many rounds for all, so that compilers know their number.
    for (var round = 0u; round < ROUNDS; round++) {
        let piece = place + round * TEAM;
        if PIECES % TEAM == 0u || piece < PIECES {
            let x = staged_piece(piece);
            let asked = ask(first, piece);
            for (var i = 0u; i < QUADS; i++) { // unroll
                let quad = first + i;
                let w = asked[i];
                acc[i] += vec4f(
                    dot_piece(w[0], weight_row(quad, 0u), piece, x), dot_piece(w[1], weight_row(quad, 1u), piece, x),
                    dot_piece(w[2], weight_row(quad, 2u), piece, x), dot_piece(w[3], weight_row(quad, 3u), piece, x),
                );
            }
        }
    }
    for (var i = 0u; i < QUADS; i++) { // unroll
        put_sum(lane, i, acc[i]);
    }
    if NORM {
        put_sum(lane, QUADS, vec4f(squares));
    }
    add_sums(lane);
    // A different invocation stores each quad.
    for (var i = 0u; i < QUADS; i++) { // unroll
        if place == i {
            var scale = 1.0;
            if NORM {
                scale = staged_scale(lane);
            }
            store4(row, first + i, add_bias(first + i, get_sum(lane, i) * scale));
        }
    }
}
