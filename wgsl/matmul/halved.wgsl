// A few rows of x, of sequences that are decoded together, in half precision: as matmul/columns, but
// halve/rows has made x ready. To load a row's piece, to norm it and to make halves of it would cost
// each team as much as its products do.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import dot/q4_halved
#import bias/none
#import output/store
#import reduce/tree
#import matmul/team
#import matmul/scaled

const TEAM: u32 = 64u;   // tune: 32 64 128
const TEAMS: u32 = 1u;   // tune: 1 2 4
const QUADS: u32 = 1u;   // tune: 1 2 4
const COLUMNS: u32 = 4u; // tune: 1 2 4 8
const WORDS: u32 = 4u;   // tune: 1 2 4
const LANES: u32 = TEAM * TEAMS;

const_assert LANES >= 32u;
const_assert QUADS * COLUMNS <= TEAM;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    multiply(launch.first + group.y * COLUMNS, group.x, lane);
}
