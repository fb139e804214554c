// The segments of a step: the first row of each, then the row behind the last. A segment is neighbouring rows of one sequence. Segment i is
// the workgroups with z = i. Each segment has as many workgroups as the longest needs; those behind its end have nothing to do.
@group(0) @binding(5) var<storage, read> segments: array<u32>;
