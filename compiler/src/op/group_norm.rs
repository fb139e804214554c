//! Norm of the pieces of a row, added to another row: the per-layer embeddings of Gemma 4.

use super::fusion::Fusion;
use super::stage::{At, Launch as LaunchWords, Made, Stage, Target, Work};
use super::step::{Inputs, Step};
use super::{Op, Rows};
use crate::Error;
use crate::graph::{Graph, OpKind, ParamId, Value};
use crate::operand::{Launch, Operands, Words, set};
use crate::schedule::{Build, Schedule};
use tegula_plan::{Buffer, Requires, Size};

/// `output[row] += factor * norm(input[row])`, where each piece of `width` elements is normed by the root of its mean square and has the gain
/// at `launch.gain` of `vectors`.
///
/// Bindings: `input: f32[rows][groups * width]`, `vectors`, `output`. The width is a multiple of four.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupNorm {
    /// Elements of a piece.
    pub width: u32,
    /// Pieces of a row.
    pub groups: u32,
    /// Epsilon.
    pub eps: f32,
    /// Factor on the result.
    pub factor: f32,
}

impl Op for GroupNorm {
    fn key(&self) -> String {
        format!("group_norm k={} groups={}", self.width, self.groups)
    }

    fn label(&self) -> String {
        format!("norm of {} pieces of {}", self.groups, self.width)
    }

    fn rows(&self) -> Rows {
        Rows::Many
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of("norm/groups")
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        build.int("WIDTH", self.width);
        build.int("GROUPS", self.groups);
        build.float("EPS", self.eps);
        build.float("FACTOR", self.factor);
        [Size::Const(self.groups), Size::Rows, Size::Const(1)]
    }

    fn operands(&self, _step: &Step, inputs: &mut Inputs) {
        let count = inputs.rows * (self.groups * self.width) as usize;
        inputs.set("gain", 4);
        inputs.floats("vectors", 4 + self.width as usize, 0.5, 1.5);
        inputs.floats("input", count, -2.0, 2.0);
        inputs.floats("output", count, -1.0, 1.0);
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        let (width, groups) = (self.width as usize, self.groups as usize);
        let mut output = operands.take("output");
        let (input, vectors) = (operands.read("input"), operands.read("vectors"));
        for piece in 0..launch.rows() * groups {
            let x: Vec<f64> = (0..width).map(|i| input.float(piece * width + i)).collect();
            let square = x.iter().map(|x| x * x).sum::<f64>() / width as f64;
            let scale = f64::from(self.factor) / (square + f64::from(self.eps)).sqrt();
            for (i, x) in x.iter().enumerate() {
                let sum = Words(&output).float(piece * width + i) + x * scale * vectors.float(launch.get("gain") + i);
                set(&mut output, piece * width + i, sum);
            }
        }
        operands.give("output", output);
    }

    fn bytes(&self, step: &Step) -> u64 {
        step.worked_rows() * 12 * u64::from(self.width * self.groups)
    }
}

/// The stage: added to a stream where it lies.
#[derive(Debug)]
struct Added {
    input: Value,
    gain: ParamId,
    eps: f32,
    factor: f32,
    stream: Value,
}

/// Takes up a factor, and the sum that alone reads it.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let &OpKind::GroupNorm { input, gain, eps } = &fusion.op(value).kind else { return Ok(None) };
    let (result, factor) = fusion.scaled(value);
    let Some(stream) = fusion.residual(result) else { return Err(fusion.refuse(value, "it must be added to something")) };
    Ok(Some(Box::new(Added { input: fusion.home(input), gain, eps, factor, stream })))
}

impl Stage for Added {
    fn text(&self, graph: &Graph) -> String {
        format!("{} += group_norm {} {} scale {}", self.stream, self.input, graph.param(self.gain).name, self.factor)
    }

    fn makes(&self, _graph: &Graph) -> Vec<Made> {
        Vec::new()
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        let width = at.graph.param(self.gain).shape[0] as u32;
        let groups = at.graph.op(self.input).width / width.max(1);
        let spec = GroupNorm { width, groups, eps: self.eps, factor: self.factor };
        let operands = vec![("input", at.f32(self.input)), ("vectors", Target::Whole(Buffer::Vectors)), ("output", at.f32(self.stream))];
        let launch = LaunchWords { gain: at.weights.offset(self.gain), ..LaunchWords::default() };
        Ok(vec![Work { label: label.into(), spec: spec.into(), operands, launch, span: at.span.clone() }])
    }
}
