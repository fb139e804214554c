// Merges the parts that split attention left of each head (attention/write_split). The result is f32[row][head][element], before the parts
// in the same buffer. Rows before launch.first have no parts. A workgroup takes a head of a row. TEAMS invocations share an element, each
// with every TEAMS-th part.
#import lib/launch

const HEADS: u32 = 4u;
const HEAD_DIM: u32 = 8u;

const LANES: u32 = 256u; // tune: 64 128 256
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of heads by rows

const D4: u32 = HEAD_DIM / 4u;
const PART: u32 = D4 + 1u; // vectors of a part: the sum, then (maximum, denominator, unused, unused)
const TEAMS: u32 = LANES / D4;
const AT_ONCE: u32 = 4u;
const LOWEST: f32 = -3.4e38;

const_assert D4 <= LANES;

@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;

var<workgroup> sums: array<vec4f, TEAMS * D4>;
var<workgroup> maxima: array<f32, TEAMS>;
var<workgroup> denominators: array<f32, TEAMS>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let head = group.y * HEADS + group.x;
    let parts = (launch.rows * HEADS) * D4 + head * launch.splits * PART;
    let column = lane % D4;
    let team = lane / D4;

    var maximum = LOWEST;
    var denominator = 0.0;
    var sum = vec4f();
    for (var s = team; s < launch.splits; s += TEAMS * AT_ONCE) {
        // Four parts are under way at a time: there are few invocations, and memory is far. What lies behind the last counts for nothing.
        var values = array<vec4f, AT_ONCE>();
        var stats = array<vec4f, AT_ONCE>();
        for (var i = 0u; i < AT_ONCE; i++) { // unroll
            let at = parts + min(s + i * TEAMS, launch.splits - 1u) * PART;
            values[i] = output[at + column];
            stats[i] = output[at + D4];
        }
        for (var i = 0u; i < AT_ONCE; i++) { // unroll
            if s + i * TEAMS < launch.splits {
                let highest = max(maximum, stats[i].x);
                let correction = exp(maximum - highest);
                let factor = exp(stats[i].x - highest);
                maximum = highest;
                denominator = fma(denominator, correction, factor * stats[i].y);
                sum = fma(sum, vec4f(correction), factor * values[i]);
            }
        }
    }
    if team < TEAMS {
        sums[lane] = sum;
        if column == 0u {
            maxima[team] = maximum;
            denominators[team] = denominator;
        }
    }
    workgroupBarrier();
    if lane < D4 {
        var highest = LOWEST;
        for (var i = 0u; i < TEAMS; i++) {
            highest = max(highest, maxima[i]);
        }
        var total = 0.0;
        var y = vec4f();
        for (var i = 0u; i < TEAMS; i++) {
            let factor = exp(maxima[i] - highest);
            total += factor * denominators[i];
            y += factor * sums[i * D4 + lane];
        }
        output[(launch.first * HEADS + head) * D4 + lane] = y / total;
    }
}
