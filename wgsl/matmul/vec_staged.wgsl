// One row of x with 4-bit weights in half precision, as matmul/vec. But a workgroup prepares x once
// for all of its teams, in workgroup memory. Loading a piece, multiplying it with its gain and
// converting it to halves costs a team as much as a few rows of weights do.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import dot/q4_half
#import input/plain
#import bias/none
#import output/store
#import reduce/tree
#import matmul/team
#import matmul/staged

const LANES: u32 = 256u; // tune: 128 256
const TEAM: u32 = 32u; // tune: 32 64 128
const QUADS: u32 = 2u; // tune: 1 2
const WORDS: u32 = 4u; // tune: 2 4
const COLUMNS: u32 = 1u;
const TEAMS: u32 = LANES / TEAM;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    let row = launch.first + group.y;
    stage(row, lane.index);
    workgroupBarrier();
    multiply(row, group.x, lane);
}
