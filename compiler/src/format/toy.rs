//! A format for a test, in one file: eight bits a weight, four a word, and one scale a row. The test compiles a model with it. So a format
//! stays a matter of one file.

use super::{Format, Storage};
use crate::operand::Operands;
use crate::operand::Random;
use crate::quant::Quantization;
use crate::schedule::Build;
use tegula_plan::{Dtype, Param};

/// Weights of eight bits, everything else in single precision.
pub(crate) const TOY: Quantization = Quantization::of("toy", Dtype::F32, Storage(&Toy));

/// The module that reads them.
pub(crate) const WGSL: (&str, &str) = (
    "toy/bytes",
    "#import lib/shape
const CHUNK: u32 = 4u;
@group(0) @binding(1) var<storage, read> weights: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<f32>;
alias Fetched = u32;
fn fetch_weight4(row: u32, k4: u32) -> Fetched {
    return weights[row * (K / 4u) + k4];
}
fn finish_weight4(fetched: Fetched, row: u32, k4: u32) -> vec4f {
    return vec4f(unpack4xI8(fetched)) * scales[row];
}
fn weight4(row: u32, k4: u32) -> vec4f {
    return finish_weight4(fetch_weight4(row, k4), row, k4);
}
",
);

#[derive(Debug)]
struct Toy;

impl Format for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn tensors(&self, name: &str, shape: &[u64]) -> Vec<Param> {
        let part = |suffix: &str, last: u64, dtype| Param::whole(format!("{name}.{suffix}"), vec![shape[0], last], dtype);
        vec![part("bytes", shape[1] / 4, Dtype::U32), part("scale", 1, Dtype::F32)]
    }

    fn bindings(&self) -> &'static [&'static str] {
        &["weights", "scales"]
    }

    fn build(&self, build: &mut Build<'_>) {
        build.slot("quant/q4f16", "toy/bytes");
        if build.imports("dot/q4") {
            build.slot("dot/q4", "dot/plain");
        }
    }

    fn row_bytes(&self, k: u32) -> u64 {
        u64::from(k) + 4
    }

    fn pieces(&self, k: u32) -> u32 {
        k / 4
    }

    fn operands(&self, random: &mut Random, n: usize, k: usize) -> Vec<(&'static str, Vec<u32>)> {
        vec![("weights", random.bits(n * k / 4)), ("scales", random.floats(n, 0.001, 0.01))]
    }

    fn row(&self, operands: &Operands, row: usize, k: usize) -> Vec<f64> {
        let (weights, scale) = (operands.read("weights"), operands.read("scales").float(row));
        (row * k..(row + 1) * k).map(|i| f64::from((weights.word(i / 4) >> (8 * (i % 4))) as u8 as i8) * scale).collect()
    }
}

#[test]
fn a_format_is_one_file() {
    let config = crate::Config::parse(&crate::model::tests::fixture("llama")).unwrap();
    let graph = crate::model::graph(&config).unwrap();
    let compiled = crate::compile::compile_graph(graph, Default::default(), &config, &crate::CompileOptions::default(), TOY).unwrap();
    assert!(compiled.plan.params.iter().any(|param| param.name == "model.layers.0.mlp.down_proj.weight.bytes"));
    // Every kernel that reads a matrix reads it so: the embedding, five matrices of a layer and the head, for one row and for many.
    let readers = compiled.shaders.iter().filter(|text| text.contains("unpack4xI8")).count();
    assert!(readers >= 10, "{readers} kernels read bytes");
    for (requires, spec) in &compiled.specs {
        crate::link::link(spec, requires, &spec.default_schedule(requires)).unwrap();
    }
}
