//! Attention over the cache of a layer, and what puts its parts together.

use super::{Attention, MAX_SPLITS, splits};
use crate::Error;
use crate::graph::{Graph, OpKind, Value, option};
use crate::op::fusion::Fusion;
use crate::op::heads::heads;
use crate::op::merge::Merge;
use crate::op::stage::{At, Form, Launch, Stage, Target, Work};
use tegula_plan::{Buffer, Size};

/// The stage.
#[derive(Debug)]
struct Attend {
    query: Value,
    layer: u32,
    scale: f32,
    softcap: Option<f32>,
    window: Option<u32>,
    output: Value,
}

/// Takes attention as it is.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let &OpKind::Attention { query, layer, scale, softcap, window } = &fusion.op(value).kind else { return Ok(None) };
    Ok(Some(Box::new(Attend { query: fusion.home(query), layer, scale, softcap, window, output: value })))
}

/// Bytes of a row of the output, with the parts behind it where attention is split.
fn row_bytes(graph: &Graph, split: bool) -> u64 {
    let (heads, dim) = (u64::from(graph.heads.query), u64::from(graph.heads.dim));
    4 * heads * (dim + if split { u64::from(MAX_SPLITS) * (dim + 4) } else { 0 })
}

impl Stage for Attend {
    fn text(&self, _graph: &Graph) -> String {
        let (softcap, window) = (option(" softcap", self.softcap), option(" window", self.window));
        format!("{} = attention {} over cache {}{softcap}{window}", self.output, self.query, self.layer)
    }

    fn makes(&self, graph: &Graph, split: bool) -> Vec<(Value, u64)> {
        vec![(self.output, row_bytes(graph, split))]
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        let split = at.mode.split;
        let heads = heads(at);
        let spec = Attention {
            heads,
            scale: self.scale,
            softcap: self.softcap,
            window: self.window,
            pages_per_sequence: at.model.pages_per_sequence(),
            split,
            rows: at.mode.rows,
        };
        let output = Target::activation(self.output, Form::F32, row_bytes(at.graph, split));
        let operands = vec![
            ("query", at.f32(self.query)),
            ("cache", Target::Whole(Buffer::Cache(self.layer))),
            ("rows", Target::Whole(Buffer::Rows)),
            ("pages", Target::Whole(Buffer::PageTable)),
            ("output", output.clone()),
        ];
        let launch = Launch { splits: if split { splits(heads.kv) } else { Size::Const(1) }, ..Launch::default() };
        let mut works = vec![Work { label: label.into(), spec: spec.into(), operands, launch: launch.clone() }];
        if split {
            let spec = Merge { heads: heads.query, kv: heads.kv, dim: heads.dim };
            works.push(Work { label: format!("{label}.merge"), spec: spec.into(), operands: vec![("output", output)], launch });
        }
        Ok(works)
    }
}
