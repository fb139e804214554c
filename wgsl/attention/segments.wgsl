// The segments of a step, which are neighbouring rows of one sequence each: the first row of each, then the row behind the last. Segment i is the
// workgroups with z = i, as many for each as the longest needs; those behind its end have nothing to do.
@group(0) @binding(5) var<storage, read> segments: array<u32>;
