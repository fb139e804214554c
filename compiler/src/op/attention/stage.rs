//! The stage of attention over the cache of a layer, and the dispatch that merges its parts.

use super::merge::Merge;
use super::{Attention, MAX_SPLITS, splits};
use crate::Error;
use crate::entry::Attends;
use crate::graph::{Graph, Heads, OpKind, Value, option};
use crate::op::fusion::Fusion;
use crate::op::heads::heads;
use crate::op::stage::{At, Bytes, Form, Launch, Made, Stage, Target, Work};
use tegula_plan::{Buffer, Size};

/// The stage.
#[derive(Debug)]
struct Attend {
    query: Value,
    layer: u32,
    heads: Heads,
    scale: f32,
    softcap: Option<f32>,
    window: Option<u32>,
    output: Value,
}

/// Takes attention as it is.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let &OpKind::Attention { query, layer, heads, scale, softcap, window } = &fusion.op(value).kind else { return Ok(None) };
    Ok(Some(Box::new(Attend { query: fusion.home(query), layer, heads, scale, softcap, window, output: value })))
}

/// The output, with the parts behind it of rows whose sequences are cut.
fn bytes(heads: Heads) -> Bytes {
    let (heads, dim) = (u64::from(heads.query), u64::from(heads.dim));
    Bytes { row: 4 * heads * dim, parts: 4 * heads * u64::from(MAX_SPLITS) * (dim + 4) }
}

impl Stage for Attend {
    fn text(&self, _graph: &Graph) -> String {
        let (softcap, window) = (option(" softcap", self.softcap), option(" window", self.window));
        format!("{} = attention {} over cache {}{softcap}{window}", self.output, self.query, self.layer)
    }

    fn makes(&self, _graph: &Graph) -> Vec<Made> {
        vec![Made { value: self.output, bytes: bytes(self.heads) }]
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        let heads = heads(self.heads, at);
        let spec = |split, rows| Attention {
            heads,
            scale: self.scale,
            softcap: self.softcap,
            window: self.window,
            pages_per_sequence: at.model.pages_per_sequence(),
            split,
            rows,
        };
        let output = Target::activation(self.output, Form::F32, bytes(self.heads));
        let operands = vec![
            ("query", at.f32(self.query)),
            ("cache", Target::Whole(Buffer::Cache(self.layer))),
            ("rows", at.rows_of(self.layer)),
            ("pages", Target::Whole(Buffer::PageTable(at.group(self.layer)))),
            ("segments", Target::Whole(Buffer::Segments)),
            ("output", output.clone()),
        ];
        let mut works = Vec::new();
        if at.mode.attention != Attends::Singles {
            let (span, launch) = (at.mode.segments(), Launch { splits: Size::Const(1), ..Launch::default() });
            works.push(Work { label: label.into(), spec: spec(false, span.rows).into(), operands: operands.clone(), launch, span });
        }
        if at.mode.attention != Attends::Segments {
            let span = at.mode.singles();
            let launch = Launch { first: span.first.clone(), splits: splits(heads.kv), ..Launch::default() };
            let label = format!("{label}{}", span.suffix);
            let merge = Work {
                label: format!("{label}.merge"),
                spec: Merge { heads: heads.query, kv: heads.kv, dim: heads.dim }.into(),
                operands: vec![("output", output)],
                launch: launch.clone(),
                span: span.clone(),
            };
            works.extend([Work { label, spec: spec(true, span.rows).into(), operands, launch, span }, merge]);
        }
        Ok(works)
    }
}
