//! The default schedules of attention.

use super::{Attention, Rows, head_group};
use crate::schedule::{MAX_WORKGROUP_MEMORY, Schedule};
use tegula_plan::{Dtype, Requires};

/// A workgroup for each row where rows are of different sequences, or there is one; several rows of a prompt share one, and with it its keys.
pub(super) fn default(spec: &Attention, requires: &Requires) -> Schedule {
    let (group, dim) = (head_group(&spec.heads), spec.heads.dim);
    if spec.rows != Rows::Many {
        // Queries are kept in registers: at most 32 vectors an invocation.
        let lanes = if dim == 32 { 4 } else { 8 };
        if requires.subgroup_size() >= 8 && dim <= 128 && dim.is_multiple_of(8 * lanes) && dim / lanes / 4 * group.next_multiple_of(4) <= 32
        {
            return Schedule { template: "attention/row_shared", values: vec![("KEY_LANES", lanes), ("AHEAD", 4)] };
        }
        let many = dim.div_ceil(4).div_ceil(8) * group > 32;
        let mut values = vec![("KEY_LANES", if many { 16 } else { 8 })];
        // Workgroup memory holds a part of a score for each invocation, and the state of teams; short heads make many teams.
        if many {
            values.push(("TILE", 16));
        } else if dim < 16 {
            values.push(("LANES", 128));
        }
        return Schedule { template: "attention/row", values };
    }
    if requires.matrix && fits_matrix(spec) {
        // Two subgroups share queries, or four for long heads, whose fragments need many registers: as many as divide a head's fragments.
        let (down, most) = if dim > 128 { (2, 4) } else { (4, 2) };
        let across = [4, 2].into_iter().find(|across| *across <= most && dim.is_multiple_of(16 * across)).unwrap_or(1);
        return Schedule { template: "attention/flash_matrix", values: vec![("DOWN", down), ("ACROSS", across)] };
    }
    if requires.subgroup_size() >= 8 && dim.is_multiple_of(32) && dim <= 128 && !spec.split {
        return Schedule { template: "attention/flash_blocks", values: vec![("DOWN", if dim > 64 { 8 } else { 16 })] };
    }
    // Queries are kept in workgroup memory: at most half of it.
    let queries = (MAX_WORKGROUP_MEMORY / 8 / dim).clamp(1, 16);
    Schedule { template: "attention/flash", values: vec![("ROWS", (queries / group).max(1)), ("LANES", if dim > 256 { 128 } else { 64 })] }
}

/// Whether matrix units can have it: they multiply halves, sixteen elements at a time.
fn fits_matrix(spec: &Attention) -> bool {
    spec.heads.cache == Dtype::F16 && spec.heads.dim.is_multiple_of(16) && spec.heads.dim <= 256 && !spec.split
}
