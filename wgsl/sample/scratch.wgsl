// What the drawing kernels keep of each row, and how a row is to be drawn for: see `Draw` in the compiler.
#import lib/launch
#import lib/rows
#import plan/sampling

const VOCAB: u32 = 512u;
const PARTS: u32 = 64u;
const LANES: u32 = 256u;
const BLOCK: vec3u = vec3u(1u, 1u, 1u); // of parts by rows

// Neighbouring ids are looked at by one part.
const SHARE: u32 = (VOCAB + PARTS - 1u) / PARTS;

// What a part gathers comes from all over the row, as likely ids lie side by side: turns of LANES ids, PARTS apart.
const TURNS: u32 = (VOCAB + LANES * PARTS - 1u) / (LANES * PARTS);

// Words of each part: bits of its greatest logit in order, its id, bits of its sum of weights, number of what it gathered.
const GREATEST: u32 = 0u;
// Bins: the first and last that the nucleus can end in, the first and last that the draw can fall in, where top-k ends; and its place there.
const BOUNDS: u32 = 4u * PARTS;
const HISTOGRAM: u32 = BOUNDS + 8u;
const TALLY: u32 = HISTOGRAM + PARTS * LANES; // ids in each bin, where there is a top-k
const GATHERED: u32 = TALLY + PARTS * LANES;
const STRIDE: u32 = GATHERED + 2u * PARTS * TURNS * LANES;

const NONE: u32 = 0xffffffffu;

@group(0) @binding(2) var<storage, read> sampling: array<Sampling>; // by sequence
@group(0) @binding(3) var<storage, read_write> scratch: array<u32>;

// Whether only the likeliest ids can be drawn. A limit of depth alone asks for no order.
fn is_nucleus(how: Sampling) -> bool {
    return how.top_p < 1.0 || how.top_k > 0u;
}

// Where a part puts the pairs of depth and id that it gathers.
fn segment_of(row: u32, part: u32) -> u32 {
    return row + GATHERED + 2u * part * TURNS * LANES;
}
