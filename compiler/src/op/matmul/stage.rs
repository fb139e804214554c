//! Linear layers take up what stands around them: the norm before, and after it an activation, a residual sum, or rotation and append.

use super::{Input, Matmul, Output};
use crate::Error;
use crate::graph::{Act, Gate, Graph, NormKind, OpKind, ParamId, Value};
use crate::op::Rows;
use crate::op::fusion::Fusion;
use crate::op::halve::halve_work;
use crate::op::heads::{AppendStage, append};
use crate::op::norm::{Norm, Place, Prologue, norm_work};
use crate::op::quantize::quantize_work;
use crate::op::stage::{At, Launch, Made, Stage, Target, Work, part_label, weight_operands};
use crate::weights::Matrix;
use tegula_plan::{Activations, Buffer, Size};

/// The least weights for which a batch's x is normed and made halves of beforehand. Each team would do both again.
const HALVED_NORMED: u64 = 11 << 19;

/// The same where x is not normed.
const HALVED_PLAIN: u64 = 1 << 25;

/// A linear layer with its surroundings.
#[derive(Debug)]
struct Linear {
    input: Value,
    weight: ParamId,
    bias: Option<ParamId>,
    prologue: Option<Prologue>,
    /// Factor on the result.
    factor: f32,
    epilogue: Epilogue,
}

/// What is done with the result.
#[derive(Clone, Copy, Debug)]
enum Epilogue {
    /// Stores it.
    Store { output: Value, softcap: Option<f32> },
    /// Adds it to a stream.
    Residual { stream: Value },
    /// Gated activation of its halves.
    Gated { output: Value, act: Act, gate: Gate },
    /// Activation.
    Act { output: Value, act: Act },
    /// Activation, times a slice of a wider row.
    Product { output: Value, act: Act, other: Value, first: u32 },
    /// Takes it for heads.
    Heads(AppendStage),
}

/// Grows a stage around a linear layer.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let &OpKind::Linear { input, weight, bias } = &fusion.op(value).kind else { return Ok(None) };
    let (input, prologue) = prologue(fusion, input);
    let (result, factor) = fusion.scaled(value);
    let epilogue = epilogue(fusion, result);
    Ok(Some(Box::new(Linear { input: fusion.home(input), weight, bias, prologue, factor, epilogue })))
}

/// A norm is worked out anew by every linear layer that reads it: cheaper than a trip through memory, except for matrix units.
fn prologue(fusion: &mut Fusion<'_>, input: Value) -> (Value, Option<Prologue>) {
    match fusion.op(input).kind {
        OpKind::Norm { input: from, kind, gain, bias, eps } if fusion.is_prologue(input) => {
            fusion.take(input);
            (from, Some(Prologue { kind, gain, bias, eps, normed: input }))
        }
        _ => (input, None),
    }
}

fn epilogue(fusion: &mut Fusion<'_>, linear: Value) -> Epilogue {
    if let Some(append) = append(fusion, linear) {
        return Epilogue::Heads(append);
    }
    if let Some(stream) = fusion.residual(linear) {
        return Epilogue::Residual { stream };
    }
    let store = Epilogue::Store { output: linear, softcap: None };
    let Some(reader) = fusion.only_reader(linear) else { return store };
    let epilogue = match fusion.op(reader).kind {
        OpKind::Gated { act, gate, .. } => Epilogue::Gated { output: reader, act, gate },
        OpKind::Act { act, .. } => match fusion.only_reader(reader).map(|times| (times, &fusion.op(times).kind)) {
            Some((times, &OpKind::Multiply { input, other, first })) if input == reader => {
                fusion.take(times);
                Epilogue::Product { output: times, act, other: fusion.home(other), first }
            }
            _ => Epilogue::Act { output: reader, act },
        },
        OpKind::SoftCap { cap, .. } => Epilogue::Store { output: reader, softcap: Some(cap) },
        _ => return store,
    };
    fusion.take(reader);
    epilogue
}

impl Stage for Linear {
    fn text(&self, graph: &Graph) -> String {
        let name = |id: ParamId| &graph.param(id).name;
        let prologue = match &self.prologue {
            None => String::new(),
            Some(Prologue { kind: NormKind::Rms, gain, .. }) => format!("norm {} + ", name(*gain)),
            Some(Prologue { kind: NormKind::Layer, gain, .. }) => format!("layer_norm {} + ", name(*gain)),
        };
        let bias = if self.bias.is_some() { " + bias" } else { "" };
        let (target, epilogue) = match &self.epilogue {
            Epilogue::Store { output, softcap: None } => (format!("{output} ="), String::new()),
            Epilogue::Store { output, softcap: Some(cap) } => (format!("{output} ="), format!(" + softcap {cap}")),
            Epilogue::Residual { stream } => (format!("{stream} +="), String::new()),
            Epilogue::Gated { output, act, gate: Gate::First } => (format!("{output} ="), format!(" + {}_mul", act.name())),
            Epilogue::Gated { output, act, gate: Gate::Second } => (format!("{output} ="), format!(" + {}_mul_second", act.name())),
            Epilogue::Act { output, act } => (format!("{output} ="), format!(" + {}", act.name())),
            Epilogue::Product { output, act, other, first } => {
                (format!("{output} ="), format!(" + {} + multiply by {other} from {first}", act.name()))
            }
            Epilogue::Heads(append) => (format!("{} =", append.query), append.text()),
        };
        let factor = if self.factor == 1.0 { String::new() } else { format!(" + scale {}", self.factor) };
        format!("{target} {prologue}matmul {} {}{bias}{factor}{epilogue}", self.input, name(self.weight))
    }

    fn makes(&self, graph: &Graph) -> Vec<Made> {
        let output = match &self.epilogue {
            Epilogue::Store { output, .. }
            | Epilogue::Gated { output, .. }
            | Epilogue::Act { output, .. }
            | Epilogue::Product { output, .. } => Some(*output),
            Epilogue::Heads(append) => Some(append.query),
            Epilogue::Residual { .. } => None,
        };
        output.into_iter().map(|value| Made::f32(graph, value)).collect()
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        let matrix = at.weights.matrix(self.weight);
        let parts = match self.epilogue {
            Epilogue::Store { .. } => matrix.parts()?,
            // The other epilogues need rows of the result side by side that parts would tear apart.
            _ => vec![matrix.whole()?],
        };
        let (rows, first) = (at.span.rows, at.span.first.clone());
        let mut works = Vec::new();
        let (input, x, gain, eps) = self.input(label, at, matrix, &mut works);
        let mut operands = vec![("input", x), ("vectors", Target::Whole(Buffer::Vectors))];
        let (mut base, mut slice) = (Size::Const(0), 0);
        let output = match self.epilogue {
            Epilogue::Store { output, softcap } => {
                operands.push(("output", at.stored(output)));
                // Logits have rows for what gets any; other values have a row for each of the step.
                if Some(output) != at.logits {
                    base = first.clone().times(matrix.n);
                }
                Output::Store { stride: matrix.n, softcap }
            }
            Epilogue::Residual { stream } => {
                operands.push(("output", at.f32(stream)));
                Output::Residual
            }
            Epilogue::Gated { output, act, gate } => {
                operands.push(("output", at.f32(output)));
                if gate == Gate::Second { Output::GatedSecond(act) } else { Output::Gated(act) }
            }
            Epilogue::Act { output, act } => {
                operands.push(("output", at.f32(output)));
                base = first.clone().times(matrix.n);
                Output::Act(act)
            }
            Epilogue::Product { output, act, other, first } => {
                operands.extend([("output", at.f32(output)), ("factors", at.f32(other))]);
                slice = first;
                Output::Product { act, stride: at.graph.op(other).width }
            }
            Epilogue::Heads(append) => {
                operands.extend(append.operands(at));
                Output::Heads(append.spec(at))
            }
        };
        let bias = self.bias.map(|bias| at.weights.offset(bias));
        works.extend(parts.iter().enumerate().map(|(index, part)| {
            let (format, factor) = (matrix.format, self.factor);
            let spec = Matmul { n: part.rows, k: matrix.k, format, bias: bias.is_some(), factor, input, eps, output, rows };
            let bias = bias.map_or(0, |bias| bias + part.first);
            let base = base.clone().plus(part.first);
            let launch = Launch { base, bias, gain, first: first.clone(), query_gain: slice, ..Launch::default() };
            let operands = operands.iter().cloned().chain(weight_operands(part)).collect();
            Work { label: part_label(label, index, parts.len()), spec: spec.into(), operands, launch, span: at.span.clone() }
        }));
        Ok(works)
    }
}

impl Linear {
    /// What the kernel reads: how, the operand, the offset of the gain, and the epsilon. Adds the dispatch that makes it, where there is one.
    fn input(&self, label: &str, at: &At<'_>, matrix: &Matrix, works: &mut Vec<Work>) -> (Input, Target, u32, f32) {
        let (rows, k) = (at.span.rows, matrix.k);
        let is_head = matches!(self.epilogue, Epilogue::Store { output, .. } if Some(output) == at.logits);
        let many = rows == Rows::Many;
        // The rows of each matrix once, as each of its workgroups reads all of a row. The head stays as it is: its logits are what is looked
        // at, and it has one row but for `score`.
        if matrix.format.takes_int8() && many && !is_head && at.activations == Activations::Int8 {
            let (from, norm) = self.before(label, at, k, works);
            let (work, quantized) = quantize_work(label, from, norm.as_ref(), at, k);
            works.push(work);
            return (Input::Int8, quantized, 0, 0.0);
        }
        if at.requires.f16 && rows == Rows::Few && matrix.format.has_half() && k.is_multiple_of(Norm::HALVES) && self.pays(matrix) {
            let (from, norm) = self.before(label, at, k, works);
            let (work, halved) = halve_work(label, from, norm.as_ref(), at, k);
            works.push(work);
            return (Input::Halved, halved, 0, 0.0);
        }
        let Some(norm) = self.prologue else { return (Input::Plain, at.f32(self.input), 0, 0.0) };
        // Matrix units are so fast that norming rows in each of their workgroups would take much of the time. In half precision it would be
        // many of the instructions.
        if at.requires.f16 && many && k.is_multiple_of(Norm::HALVES) {
            works.push(norm_work(format!("{label}.norm"), self.input, &norm, Place::Halves, at, k));
            return (Input::Normed, at.f16(norm.normed), 0, 0.0);
        }
        if norm.kind == NormKind::Layer {
            let (from, _) = self.before(label, at, k, works);
            return (Input::Plain, at.f32(from), 0, 0.0);
        }
        (Input::Norm, at.f32(self.input), at.weights.offset(norm.gain), norm.eps)
    }

    /// What a kernel that makes x ready reads, and the norm that it computes in passing. A layer norm has a dispatch of its own.
    fn before(&self, label: &str, at: &At<'_>, k: u32, works: &mut Vec<Work>) -> (Value, Option<Prologue>) {
        match self.prologue {
            Some(layer) if layer.kind == NormKind::Layer => {
                works.push(norm_work(format!("{label}.norm"), self.input, &layer, Place::Store, at, k));
                (layer.normed, None)
            }
            norm => (self.input, norm),
        }
    }

    /// Whether halves of x that are made beforehand save more time than the dispatch takes.
    fn pays(&self, matrix: &Matrix) -> bool {
        let least = if self.prologue.is_some() { HALVED_NORMED } else { HALVED_PLAIN };
        u64::from(matrix.n) * u64::from(matrix.k) >= least
    }
}
