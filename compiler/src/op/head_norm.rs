//! Norm of each query and key head, then rotation and cache append.

use super::fusion::Fusion;
use super::heads::{Append, AppendStage, Heads, append};
use super::stage::{At, Launch as LaunchWords, Made, Stage, Target, Work};
use super::step::{Inputs, Step};
use super::{Holds, Op, Rows};
use crate::Error;
use crate::graph::{Graph, OpKind, ParamId, Value};
use crate::operand::{Launch, Operands};
use crate::schedule::{Build, Schedule};
use tegula_plan::{Buffer, Dtype, Requires, Size};

/// Takes `input: f32[rows][(query + 2 kv) * dim]`, norms the query heads with the gain at `launch.query_gain` of `vectors` and the key heads
/// with that at `launch.key_gain`, then does what [`Append`] says.
///
/// Bindings: `input`, `vectors`, and those of [`Append`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadNorm {
    /// What comes after the norm.
    pub append: Append,
    /// Epsilon of the norms.
    pub eps: f32,
}

impl Op for HeadNorm {
    fn key(&self) -> String {
        format!("head_norm {}", self.append.key())
    }

    fn label(&self) -> String {
        format!("head norm {}x{}", self.append.heads.count(), self.append.heads.dim)
    }

    fn rows(&self) -> Rows {
        Rows::Many
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of("norm/heads")
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        let heads = &self.append.heads;
        if !self.append.rotate {
            build.slot("output/heads", "output/heads_unrotated");
        }
        self.append.build(build);
        build.int("N", heads.count() * heads.dim);
        build.float("EPS", self.eps);
        [Size::Const(heads.count()), Size::Rows, Size::Const(1)]
    }

    fn operands(&self, step: &Step, inputs: &mut Inputs) {
        let Heads { dim, .. } = self.append.heads;
        inputs.set("query_gain", 4);
        inputs.set("key_gain", 4 + dim);
        inputs.floats("vectors", 4 + 2 * dim as usize, 0.5, 1.5);
        inputs.floats("input", inputs.rows * (self.append.heads.count() * dim) as usize, -2.0, 2.0);
        self.append.operands(step, inputs);
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        let (query, kv, dim) = (self.append.heads.query as usize, self.append.heads.kv as usize, self.append.heads.dim as usize);
        let width = (query + 2 * kv) * dim;
        for row in 0..launch.rows() {
            let (input, vectors) = (operands.read("input"), operands.read("vectors"));
            let mut y: Vec<f64> = (0..width).map(|i| input.float(row * width + i)).collect();
            for (head, y) in y.chunks_mut(dim).enumerate().take(query + kv) {
                let gain = launch.get(if head < query { "query_gain" } else { "key_gain" });
                let scale = (y.iter().map(|y| y * y).sum::<f64>() / dim as f64 + f64::from(self.eps)).sqrt().recip();
                y.iter_mut().enumerate().for_each(|(i, y)| *y *= scale * vectors.float(gain + i));
            }
            self.append.reference(operands, row, &y);
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
    query_gain: ParamId,
    key_gain: ParamId,
    eps: f32,
    append: AppendStage,
}

/// Takes up the rotation and the append behind it.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let &OpKind::HeadNorm { input, query_gain, key_gain, eps } = &fusion.op(value).kind else { return Ok(None) };
    let Some(append) = append(fusion, value) else { return Err(fusion.refuse(value, "rotation and append must follow it")) };
    Ok(Some(Box::new(Normed { input: fusion.home(input), query_gain, key_gain, eps, append })))
}

impl Stage for Normed {
    fn text(&self, _graph: &Graph) -> String {
        format!("{} = head_norm {}{}", self.append.query, self.input, self.append.text())
    }

    fn makes(&self, graph: &Graph) -> Vec<Made> {
        vec![Made::f32(graph, self.append.query)]
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        let [query_gain, key_gain] = [self.query_gain, self.key_gain].map(|gain| at.weights.offset(gain));
        let launch = LaunchWords { query_gain, key_gain, ..LaunchWords::default() };
        let mut operands = vec![("input", at.f32(self.input)), ("vectors", Target::Whole(Buffer::Vectors))];
        operands.extend(self.append.operands(at));
        let spec = HeadNorm { append: self.append.spec(at), eps: self.eps };
        Ok(vec![Work { label: label.into(), spec: spec.into(), operands, launch, span: at.span.clone() }])
    }
}
