//! Rotation and append go with the op that makes the heads, so that queries, keys and values are never read back.

use super::{Append, Fusion};
use crate::graph::{OpKind, Value};

impl Fusion<'_> {
    /// Takes up the rope and the append that alone read `heads`.
    pub(super) fn append(&mut self, heads: Value) -> Option<Append> {
        let rope = self.only_reader(heads)?;
        let &OpKind::Rope { rotation, .. } = &self.graph.op(rope).kind else { return None };
        let query = self.only_reader(rope)?;
        let &OpKind::Append { layer, .. } = &self.graph.op(query).kind else { return None };
        self.take(rope);
        self.take(query);
        Some(Append { rotation, layer, query })
    }
}
