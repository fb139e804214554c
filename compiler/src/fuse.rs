//! Fusion: from graph ops to stages. A stage is one kernel, or a few in a row.
//!
//! A stage grows around an op that reads or computes much. A linear layer takes up the norm before it and what follows it element by
//! element. Rotation and cache append join the op that makes the heads. Each op module has its rule. An op that no stage takes up has no
//! kernel, and is refused by name.

use crate::Error;
use crate::graph::{Graph, Value};
use crate::op::RULES;
use crate::op::fusion::Fusion;
use crate::op::stage::Stage;

/// A stage and where it stands in the graph.
#[derive(Debug)]
pub(crate) struct Fused {
    /// Label of the op that it grew around.
    pub label: String,
    /// That op.
    pub root: Value,
    /// What it does.
    pub stage: Box<dyn Stage>,
}

/// Fuses a graph.
///
/// # Errors
/// [`crate::ErrorKind::Unfused`] for an op that no kernel can compute where it stands.
pub(crate) fn fuse(graph: &Graph) -> Result<Vec<Fused>, Error> {
    let mut fusion = Fusion::new(graph);
    let mut fused = Vec::new();
    for (index, op) in graph.ops.iter().enumerate() {
        let root = Value(index);
        if fusion.is_taken(root) {
            continue;
        }
        for rule in RULES {
            if let Some(stage) = rule(&mut fusion, root)? {
                fusion.take(root);
                fused.push(Fused { label: op.label.clone(), root, stage });
                break;
            }
        }
    }
    match fusion.left() {
        Some(left) => Err(fusion.refuse(left, "no stage beside it takes it up")),
        None => Ok(fused),
    }
}

#[cfg(test)]
#[path = "fuse_tests.rs"]
mod tests;
