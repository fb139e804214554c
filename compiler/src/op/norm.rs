//! Norm of rows by a kernel of its own. There are three uses for it: many workgroups would otherwise each norm the same rows again; the
//! mean is subtracted too (layer norm); or the result is added to the residual stream.

use super::fusion::Fusion;
use super::stage::{At, Launch as LaunchWords, Made, Stage, Target, Work};
use super::step::{Inputs, Step};
use super::{Holds, Op, Rows};
use crate::Error;
use crate::graph::{Graph, NormKind, OpKind, ParamId, Value};
use crate::operand::{Launch, Operands, Words, set, set_typed};
use crate::schedule::{Build, Schedule};
use tegula_plan::{Buffer, Dtype, Requires, Size};

/// Where [`Place::Halves`] puts the elements of each eight: element `ORDER[i]` comes at place `i`.
pub const ORDER: [usize; 8] = [0, 4, 1, 5, 2, 6, 3, 7];

/// Where the result goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// `output: f16[rows][width]`, in each eight elements in [`ORDER`]. The width is a multiple of eight.
    Halves,
    /// `output: f32[rows][width]`.
    Store,
    /// Added to `output: f32[rows][width]`.
    Residual,
    /// Added to `output: f32[rows][width]`, and the sum is multiplied by the number at `launch.query_gain` of `vectors`.
    ResidualScaled,
}

/// The norm of rows from `launch.first` on, times the gain at `launch.gain` of `vectors`, plus the bias at `launch.bias`.
///
/// Bindings: `input: f32[rows][width]`, `vectors`, `output`. The width is a multiple of four.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// Elements of a row.
    pub width: u32,
    /// What it divides by.
    pub kind: NormKind,
    /// Whether there is a bias.
    pub bias: bool,
    /// Epsilon.
    pub eps: f32,
    /// Where the result goes.
    pub place: Place,
    /// Rows it is made for: one, or all from `launch.first` on.
    pub rows: Rows,
}

impl Norm {
    /// What the width of rows in half precision is a multiple of.
    pub(crate) const HALVES: u32 = 8;

    /// The root-mean-square norm of rows in half precision.
    #[must_use]
    pub fn halves(width: u32, eps: f32) -> Norm {
        Norm { width, kind: NormKind::Rms, bias: false, eps, place: Place::Halves, rows: Rows::Many }
    }
}

impl Op for Norm {
    fn key(&self) -> String {
        let kind = if self.kind == NormKind::Layer { "layer_norm" } else { "norm" };
        let bias = if self.bias { " bias" } else { "" };
        let place = match self.place {
            Place::Halves => "",
            Place::Store => " store",
            Place::Residual => " residual",
            Place::ResidualScaled => " residual scaled",
        };
        let rows = if self.rows == Rows::Many { String::new() } else { format!(" {}", self.rows.name()) };
        format!("{kind} k={}{bias}{place}{rows}", self.width)
    }

    fn label(&self) -> String {
        let kind = if self.kind == NormKind::Layer { "layer norm" } else { "norm" };
        let place = if matches!(self.place, Place::Residual | Place::ResidualScaled) { " residual" } else { "" };
        format!("{kind} {}{place}", self.width)
    }

    fn rows(&self) -> Rows {
        self.rows
    }

    fn is_single(&self) -> bool {
        self.rows == Rows::One
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of(if self.place == Place::Halves { "norm/rows" } else { "norm/whole" })
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        build.int("K", self.width);
        build.float("EPS", self.eps);
        if self.kind == NormKind::Layer {
            build.slot("norm/rms", "norm/layer");
        }
        if self.bias {
            build.slot("norm/no_bias", "norm/bias");
        }
        match self.place {
            Place::Residual => build.slot("norm/store", "norm/residual"),
            Place::ResidualScaled => build.slot("norm/store", "norm/residual_scaled"),
            Place::Halves | Place::Store => {}
        }
        [Size::Const(1), self.rows.size(), Size::Const(1)]
    }

    fn operands(&self, _step: &Step, inputs: &mut Inputs) {
        let (width, rows) = (self.width as usize, inputs.rows);
        inputs.set("gain", 4);
        inputs.set("query_gain", 0);
        inputs.set("bias", (4 + self.width).next_multiple_of(4));
        inputs.floats("vectors", 8 + 2 * width, 0.5, 1.5);
        // A mean that is not zero shows who takes it off.
        inputs.floats("input", rows * width, -2.0, if self.kind == NormKind::Layer { 6.0 } else { 2.0 });
        let output = if self.place == Place::Halves {
            inputs.random.halves(rows * width, -1.0, 1.0)
        } else {
            inputs.random.floats(rows * width, -1.0, 1.0)
        };
        inputs.put("output", output);
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        let k = self.width as usize;
        let mut output = operands.take("output");
        let vectors = operands.read("vectors");
        for row in self.rows.of(launch) {
            let mut x = match self.kind {
                NormKind::Rms => normed(operands.read("input"), vectors, launch, row, k, self.eps),
                NormKind::Layer => layer_normed(operands.read("input"), vectors, launch, row, k, self.eps),
            };
            if self.bias {
                x.iter_mut().enumerate().for_each(|(i, x)| *x += vectors.float(launch.get("bias") + i));
            }
            for i in 0..k {
                match self.place {
                    Place::Halves => set_typed(&mut output, Dtype::F16, row * k + i, x[i - i % 8 + ORDER[i % 8]]),
                    Place::Store => set(&mut output, row * k + i, x[i]),
                    Place::Residual | Place::ResidualScaled => {
                        let factor = if self.place == Place::Residual { 1.0 } else { vectors.float(launch.get("query_gain")) };
                        let sum = Words(&output).float(row * k + i) + x[i];
                        set(&mut output, row * k + i, factor * sum);
                    }
                }
            }
        }
        operands.give("output", output);
    }

    fn holds(&self, name: &str) -> Holds {
        if self.place == Place::Halves && name == "output" { Holds::F16 } else { Holds::F32 }
    }

    fn bytes(&self, step: &Step) -> u64 {
        let output = match self.place {
            Place::Halves => 2,
            Place::Store => 4,
            Place::Residual | Place::ResidualScaled => 8,
        };
        step.worked_rows() * (4 + output) * u64::from(self.width)
    }
}

/// The root-mean-square norm of a row of `k` elements, times its gain.
pub(super) fn normed(input: Words<'_>, vectors: Words<'_>, launch: &Launch, row: usize, k: usize, eps: f32) -> Vec<f64> {
    let x: Vec<f64> = (0..k).map(|i| input.float(row * k + i)).collect();
    let scale = (x.iter().map(|x| x * x).sum::<f64>() / k as f64 + f64::from(eps)).sqrt().recip();
    x.iter().enumerate().map(|(i, x)| x * scale * vectors.float(launch.get("gain") + i)).collect()
}

/// The layer norm of a row of `k` elements, times its gain.
fn layer_normed(input: Words<'_>, vectors: Words<'_>, launch: &Launch, row: usize, k: usize, eps: f32) -> Vec<f64> {
    let x: Vec<f64> = (0..k).map(|i| input.float(row * k + i)).collect();
    let mean = x.iter().sum::<f64>() / k as f64;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / k as f64;
    let scale = (variance + f64::from(eps)).sqrt().recip();
    x.iter().enumerate().map(|(i, x)| (x - mean) * scale * vectors.float(launch.get("gain") + i)).collect()
}

/// A norm with its parameters: of the input of a linear layer, or by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prologue {
    pub kind: NormKind,
    pub gain: ParamId,
    pub bias: Option<ParamId>,
    pub eps: f32,
    /// What stands for the result where a kernel of its own norms.
    pub normed: Value,
}

/// Sets what norms x in passing.
pub(super) fn in_passing(build: &mut Build<'_>, eps: f32) {
    build.slot("input/plain", "input/norm");
    build.float("EPS", eps);
}

/// The dispatch that norms rows.
pub(super) fn norm_work(label: String, input: Value, norm: &Prologue, place: Place, at: &At<'_>, width: u32) -> Work {
    let output = if place == Place::Halves { at.f16(norm.normed) } else { at.f32(norm.normed) };
    let rows = if at.span.rows == Rows::One { Rows::One } else { Rows::Many };
    let spec = Norm { width, kind: norm.kind, bias: norm.bias.is_some(), eps: norm.eps, place, rows };
    let operands = vec![("input", at.f32(input)), ("vectors", Target::Whole(Buffer::Vectors)), ("output", output)];
    let bias = norm.bias.map_or(0, |bias| at.weights.offset(bias));
    let launch = LaunchWords { gain: at.weights.offset(norm.gain), bias, first: at.span.first.clone(), ..LaunchWords::default() };
    Work { label, spec: spec.into(), operands, launch, span: at.span.clone() }
}

/// A norm that no linear layer takes up.
#[derive(Debug)]
struct Rowwise {
    input: Value,
    norm: Prologue,
    /// The stream that it is added to.
    stream: Option<Value>,
    /// What the sum is multiplied by.
    factor: Option<ParamId>,
}

/// Takes up a norm that is read by something else than linear layers, and the residual sum that alone reads it.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let &OpKind::Norm { input, kind, gain, bias, eps } = &fusion.op(value).kind else { return Ok(None) };
    if fusion.is_prologue(value) {
        return Ok(None);
    }
    let sum = fusion.only_reader(value);
    let stream = fusion.residual(value);
    let factor = match (stream, sum.and_then(|sum| fusion.only_reader(sum))) {
        (Some(_), Some(scaled)) => match fusion.op(scaled).kind {
            OpKind::ScaleBy { factor, .. } => Some((scaled, factor)),
            _ => None,
        },
        _ => None,
    };
    if let (Some(stream), Some((scaled, _))) = (stream, factor) {
        fusion.take(scaled);
        fusion.move_into(scaled, stream);
    }
    let norm = Prologue { kind, gain, bias, eps, normed: stream.unwrap_or(value) };
    Ok(Some(Box::new(Rowwise { input: fusion.home(input), norm, stream, factor: factor.map(|(_, factor)| factor) })))
}

impl Stage for Rowwise {
    fn text(&self, graph: &Graph) -> String {
        let kind = if self.norm.kind == NormKind::Layer { "layer_norm" } else { "norm" };
        let target = if self.stream.is_some() { "+=" } else { "=" };
        let factor = self.factor.map(|factor| format!(" + scale by {}", graph.param(factor).name)).unwrap_or_default();
        format!("{} {target} {kind} {} {}{factor}", self.norm.normed, self.input, graph.param(self.norm.gain).name)
    }

    fn makes(&self, graph: &Graph) -> Vec<Made> {
        let stored = self.stream.is_none().then_some(self.norm.normed);
        stored.into_iter().map(|value| Made::f32(graph, value)).collect()
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        let place = match (self.stream, self.factor) {
            (None, _) => Place::Store,
            (Some(_), None) => Place::Residual,
            (Some(_), Some(_)) => Place::ResidualScaled,
        };
        let width = at.graph.op(self.input).width;
        let mut work = norm_work(label.into(), self.input, &self.norm, place, at, width);
        work.launch.query_gain = self.factor.map_or(0, |factor| at.weights.offset(factor));
        Ok(vec![work])
    }
}
