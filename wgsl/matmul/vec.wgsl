// One row of x: a mat-vec of teams that read x on their own.
//
// Small teams have less to add up. With several teams a workgroup, a team finds what others read of x
// in the first-level cache.
#import lib/launch
#import lib/shape
#import quant/q4f16
#import dot/q4
#import input/plain
#import bias/none
#import output/store
#import reduce/tree
#import matmul/team
#import matmul/direct

const TEAM: u32 = 64u; // tune: 32 64 128 256
const TEAMS: u32 = 1u; // tune: 1 2 4
const QUADS: u32 = 1u; // tune: 1 2 4
const WORDS: u32 = 4u; // tune: 1 2 4
const F16: u32 = 0u; // tune: 0 1
const COLUMNS: u32 = 1u;
const LANES: u32 = TEAM * TEAMS;

const_assert LANES >= 32u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, lane: Lane) {
    multiply(launch.first + group.y, group.x, lane);
}
