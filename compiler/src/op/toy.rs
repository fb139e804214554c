//! An op for a test, in one file: an activation by itself. The test compiles a graph with it. So an op stays a matter of one file, its
//! templates, and a line in [`super::RULES`].

use super::fusion::Fusion;
use super::stage::{At, Launch as LaunchWords, Made, Stage, Work};
use super::step::{Inputs, Step};
use super::{Op, Rows};
use crate::Error;
use crate::graph::{Act, Graph, OpKind, Value};
use crate::operand::{Launch, Operands, set};
use crate::schedule::{Build, Schedule};
use tegula_plan::{Requires, Size};

/// Its template.
pub(crate) const WGSL: (&str, &str) = (
    "toy/act",
    "#import lib/launch
#import act/silu
const WIDTH: u32 = 64u;
const LANES: u32 = 64u;
const BLOCK: vec3u = vec3u(LANES, 1u, 1u);
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < WIDTH && id.y < launch.rows {
        output[id.y * WIDTH + id.x] = act(input[id.y * WIDTH + id.x]);
    }
}
",
);

/// `output[row][i] = act(input[row][i])`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Toy {
    width: u32,
    act: Act,
}

impl Op for Toy {
    fn key(&self) -> String {
        format!("toy {} k={}", self.act.name(), self.width)
    }

    fn label(&self) -> String {
        self.key()
    }

    fn rows(&self) -> Rows {
        Rows::Many
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of("toy/act")
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        build.int("WIDTH", self.width);
        if self.act != Act::Silu {
            build.slot("act/silu", self.act.module());
        }
        [Size::Const(self.width), Size::Rows, Size::Const(1)]
    }

    fn operands(&self, _step: &Step, inputs: &mut Inputs) {
        let count = inputs.rows * self.width as usize;
        inputs.floats("input", count, -2.0, 2.0);
        inputs.floats("output", count, -2.0, 2.0);
    }

    fn reference(&self, _launch: &Launch, operands: &mut Operands) {
        let mut output = operands.take("output");
        (0..output.len()).for_each(|i| set(&mut output, i, self.act.of(operands.read("input").float(i))));
        operands.give("output", output);
    }

    fn bytes(&self, step: &Step) -> u64 {
        step.worked_rows() * 8 * u64::from(self.width)
    }
}

#[derive(Debug)]
struct Alone {
    input: Value,
    output: Value,
    act: Act,
}

/// Takes up an activation that no linear layer has.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let &OpKind::Act { input, act } = &fusion.op(value).kind else { return Ok(None) };
    Ok(Some(Box::new(Alone { input: fusion.home(input), output: value, act })))
}

impl Stage for Alone {
    fn text(&self, _graph: &Graph) -> String {
        format!("{} = {} {}", self.output, self.act.name(), self.input)
    }

    fn makes(&self, graph: &Graph) -> Vec<Made> {
        vec![Made::f32(graph, self.output)]
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        let spec = Toy { width: at.graph.op(self.output).width, act: self.act };
        let operands = vec![("input", at.f32(self.input)), ("output", at.f32(self.output))];
        Ok(vec![Work { label: label.into(), spec: spec.into(), operands, launch: LaunchWords::default(), span: at.span.clone() }])
    }
}

#[test]
fn an_op_is_one_file() {
    let config = crate::Config::parse(&crate::model::tests::fixture("llama")).unwrap();
    let mut graph = crate::model::graph(&config).unwrap();
    (graph.params, graph.ops) = (Vec::new(), Vec::new());
    let x = graph.embed("embed");
    let x = graph.act(x, Act::GeluTanh);
    let (width, norm) = (graph.heads.width(), crate::graph::Norm::rms(1e-5));
    let h = graph.norm(x, "norm", norm);
    let h = graph.linear(h, "", "qkv", &[("qkv", width)], false);
    let h = graph.attention(h, 0, crate::graph::Attention::default());
    let h = graph.linear(h, "", "out", &[("out", graph.hidden_size)], false);
    let x = graph.add(x, h);
    let logits = graph.head(x, None);
    graph.argmax(logits);
    let quantization = crate::quant::Quantization::Q4F16_1;
    let compiled =
        crate::compile::compile_graph(graph, Default::default(), &config, &crate::CompileOptions::default(), quantization).unwrap();
    let (requires, spec) = compiled.specs.iter().find(|(_, spec)| spec.get::<Toy>().is_some()).unwrap();
    assert_eq!(spec.key(), "toy gelu_tanh k=64");
    assert!(
        compiled.plan.variants[0].entries.iter().all(|entry| entry.dispatches.iter().any(|dispatch| dispatch.label == "embed.gelu_tanh"))
    );
    let (launch, mut operands) = crate::tune::steps::check(spec).operands(1);
    spec.reference(&launch, &mut operands);
    assert_eq!(crate::tune::candidates(spec, requires).unwrap().len(), 1);
}
