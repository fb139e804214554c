//! State groups: which layers keep their keys and values in the same way.

use crate::graph::{Graph, OpKind};
use tegula_plan::{Dtype, Paged, State};

/// The groups of a model whose caches have elements of this type, in the order of their first layers. A window that is not shorter than the
/// context counts as no window.
pub(crate) fn groups(graph: &Graph, context: u32, format: Dtype) -> Vec<State> {
    let mut groups: Vec<Paged> = Vec::new();
    for op in &graph.ops {
        let OpKind::Attention { layer, window, heads, .. } = op.kind else { continue };
        let window = window.filter(|window| *window < context);
        match groups.iter_mut().find(|group| (group.window, group.kv_heads, group.head_dim) == (window, heads.kv, heads.dim)) {
            Some(group) if group.layers.contains(&layer) => {}
            Some(group) => group.layers.push(layer),
            None => groups.push(Paged { layers: vec![layer], kv_heads: heads.kv, head_dim: heads.dim, format, window }),
        }
    }
    groups.into_iter().map(State::Paged).collect()
}
