//! Norm of query and key heads, with rotation and cache append. Heads are rotated once they are normed, or before.

use super::fusion::Fusion;
use super::heads::{Append, AppendStage, Heads, append, rotation};
use super::stage::{At, Launch as LaunchWords, Made, Stage, Target, Work};
use super::step::{Inputs, Step};
use super::{Holds, Op, Rows};
use crate::Error;
use crate::graph::{Graph, HeadSpan, OpKind, ParamId, Value};
use crate::operand::{Launch, Operands};
use crate::schedule::{Build, Schedule};
use tegula_plan::{Buffer, Dtype, Requires, Size};

/// Takes `input: f32[rows][(query + 2 kv) * dim]`, norms the query heads with the gain at `launch.query_gain` of `vectors` and the key heads
/// with that at `launch.key_gain`, then does what [`Append`] says. With `rotated_first`, the gain comes behind the rotation, which leaves the
/// mean square as it is.
///
/// Bindings: `input`, `vectors`, and those of [`Append`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadNorm {
    /// What comes after the norm.
    pub append: Append,
    /// What is normed together.
    pub span: HeadSpan,
    /// Whether value heads are normed too, without a gain. Only for heads that are normed each by itself, before the rotation.
    pub values: bool,
    /// Whether the norm follows the rotation. Only for heads that are normed each by itself, and queries that do not grow.
    pub rotated_first: bool,
    /// Epsilon of the norms.
    pub eps: f32,
}

impl HeadNorm {
    /// Elements of the gains of queries and of keys.
    fn gains(&self) -> [usize; 2] {
        let Heads { query, kv, dim, .. } = self.append.heads;
        let heads = if self.span == HeadSpan::All { [query, kv] } else { [1, 1] };
        heads.map(|heads| (heads * dim) as usize)
    }
}

impl Op for HeadNorm {
    fn key(&self) -> String {
        let kind = if self.span == HeadSpan::All { "heads_norm" } else { "head_norm" };
        let values = if self.values { " values" } else { "" };
        format!("{kind} {}{values}{}", self.append.key(), if self.rotated_first { " rotated_first" } else { "" })
    }

    fn label(&self) -> String {
        let kind = if self.span == HeadSpan::All { "norm of all heads" } else { "head norm" };
        format!("{kind} {}x{}", self.append.heads.count(), self.append.heads.dim)
    }

    fn rows(&self) -> Rows {
        Rows::Many
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of(if self.span == HeadSpan::All { "norm/all_heads" } else { "norm/heads" })
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        let heads = &self.append.heads;
        self.append.build(build, "output/heads", self.rotated_first);
        if self.rotated_first {
            build.slot("norm/head_gain", "norm/no_head_gain");
        } else if self.values {
            build.slot("norm/head_gain", "norm/head_gain_values");
        }
        build.int("N", heads.count() * heads.dim);
        build.float("EPS", self.eps);
        [Size::Const(if self.span == HeadSpan::All { 3 } else { heads.count() }), Size::Rows, Size::Const(1)]
    }

    fn operands(&self, step: &Step, inputs: &mut Inputs) {
        let (Heads { dim, .. }, [query, key]) = (self.append.heads, self.gains());
        inputs.set("query_gain", 4);
        inputs.set("key_gain", 4 + query as u32);
        inputs.floats("vectors", 4 + query + key, 0.5, 1.5);
        inputs.floats("input", inputs.rows * (self.append.heads.count() * dim) as usize, -2.0, 2.0);
        self.append.operands(step, inputs);
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        let (query, kv, dim) = (self.append.heads.query as usize, self.append.heads.kv as usize, self.append.heads.dim as usize);
        let width = (query + 2 * kv) * dim;
        for row in 0..launch.rows() {
            let (input, vectors) = (operands.read("input"), operands.read("vectors"));
            let mut y: Vec<f64> = (0..width).map(|i| input.float(row * width + i)).collect();
            let together = if self.span == HeadSpan::All { [query * dim, kv * dim] } else { [dim, dim] };
            let normed = query + if self.values { 2 * kv } else { kv };
            let (queries, keys) = y[..normed * dim].split_at_mut(query * dim);
            for y in queries.chunks_mut(together[0]).chain(keys.chunks_mut(together[1])) {
                let scale = (y.iter().map(|y| y * y).sum::<f64>() / y.len() as f64 + f64::from(self.eps)).sqrt().recip();
                y.iter_mut().for_each(|y| *y *= scale);
            }
            let gains = [launch.get("query_gain"), launch.get("key_gain")].map(|at| at..vectors.0.len());
            let gains = gains.map(|range| range.map(|i| vectors.float(i)).collect::<Vec<f64>>());
            let gain = |head: usize, i: usize| {
                let (gains, head) = if head < query { (&gains[0], head) } else { (&gains[1], head - query) };
                gains[if self.span == HeadSpan::All { head * dim + i } else { i }]
            };
            if self.rotated_first {
                self.append.reference(operands, row, &y, gain);
            } else {
                y.iter_mut().enumerate().take((query + kv) * dim).for_each(|(at, y)| *y *= gain(at / dim, at % dim));
                self.append.reference(operands, row, &y, |_, _| 1.0);
            }
        }
    }

    fn holds(&self, name: &str) -> Holds {
        if name == "cache" && self.append.heads.cache == Dtype::F16 { Holds::F16 } else { Holds::F32 }
    }

    fn bytes(&self, step: &Step) -> u64 {
        let heads = &self.append.heads;
        step.worked_rows() * (u64::from(heads.count() * heads.dim) * 4 + self.append.bytes())
    }
}

/// The stage.
#[derive(Debug)]
struct Normed {
    input: Value,
    span: HeadSpan,
    values: bool,
    query_gain: ParamId,
    key_gain: ParamId,
    eps: f32,
    rotated_first: bool,
    append: AppendStage,
}

/// Takes up the rotation and the append behind it, or a rotation before it.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let (norm, before) = match &fusion.op(value).kind {
        OpKind::HeadNorm { .. } => (value, None),
        // Linear layers have taken up the rotations that are followed by an append.
        OpKind::Rope { .. } => match rotation(fusion, value) {
            Some((norm, rotation)) => (norm, Some(rotation)),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let &OpKind::HeadNorm { input, span, values, query_gain, key_gain, eps } = &fusion.op(norm).kind else { return Ok(None) };
    let Some(mut append) = append(fusion, norm) else { return Err(fusion.refuse(norm, "append must follow it, or rotation and append")) };
    let mut input = input;
    if let Some(rotation) = before {
        let &OpKind::Rope { input: heads, .. } = &fusion.op(value).kind else { return Ok(None) };
        let keeps = matches!(fusion.op(rotation.value).kind, OpKind::Rotation { factor: 1.0, .. });
        if !keeps || rotation.growth.is_some() || append.rotation.is_some() || span == HeadSpan::All || values {
            return Err(fusion.refuse(value, "a norm behind it is of single heads, whose mean square it keeps"));
        }
        fusion.take(norm);
        append.rotation = Some(rotation);
        input = heads;
    }
    let input = fusion.home(input);
    let rotated_first = before.is_some();
    Ok(Some(Box::new(Normed { input, span, values, query_gain, key_gain, eps, rotated_first, append })))
}

impl Stage for Normed {
    fn text(&self, _graph: &Graph) -> String {
        let kind = if self.span == HeadSpan::All { "heads_norm" } else { "head_norm" };
        let order = if self.rotated_first { " rotated first" } else { "" };
        format!("{} = {kind}{order} {}{}", self.append.query, self.input, self.append.text())
    }

    fn makes(&self, graph: &Graph) -> Vec<Made> {
        vec![Made::f32(graph, self.append.query)]
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        let [query_gain, key_gain] = [self.query_gain, self.key_gain].map(|gain| at.weights.offset(gain));
        let launch = LaunchWords { query_gain, key_gain, ..LaunchWords::default() };
        let mut operands = vec![("input", at.f32(self.input)), ("vectors", Target::Whole(Buffer::Vectors))];
        operands.extend(self.append.operands(at));
        let Normed { span, values, rotated_first, eps, .. } = *self;
        let spec = HeadNorm { append: self.append.spec(at), span, values, rotated_first, eps };
        Ok(vec![Work { label: label.into(), spec: spec.into(), operands, launch, span: at.span.clone() }])
    }
}
