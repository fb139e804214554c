// The uniform block of every kernel. The compiler fills it by member name; a test holds it against plan::LAUNCH_MEMBERS.
struct Launch {
    rows: u32,        // rows (tokens) of this step
    first: u32,       // first row that this dispatch works on
    splits: u32,      // parts that attention cuts a sequence into
    base: u32,        // first row of the part of a table that is bound
    gain: u32,        // offsets in the vectors arena, in elements
    bias: u32,
    query_gain: u32,
    key_gain: u32,
}

@group(0) @binding(0) var<uniform> launch: Launch;
