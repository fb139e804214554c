//! Matrix multiplication: `y = W x (+ bias)`, with what comes before and after it in the same kernel.

mod output;
mod reference;
mod schedule;
mod stage;

use super::heads::Append;
use super::step::{Inputs, PREFILL_ROWS, SEQUENCES, Step};
use super::{Holds, Op, Rows};
use super::{halve, int8, norm};
use crate::format::Storage;
use crate::operand::{Launch, Operands};
use crate::schedule::{Build, Schedule};
pub use output::Output;
pub(crate) use stage::rule;
use tegula_plan::{Dtype, Requires, Size};

/// Multiplications that a check may take: the reference works in double precision on a processor.
const CHECKED: u64 = 2_000_000_000;

/// Bytes of logits that are made at a time: `score` makes no more.
const MOST_LOGITS: u32 = 32 << 20;

/// What a matrix multiplication reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// `input: f32[rows][k]` as it is.
    Plain,
    /// The root-mean-square norm of `input`, times the gain at `launch.gain` of `vectors`.
    Norm,
    /// `input: f16[rows][k]` as [`super::norm::Norm`] leaves it.
    Normed,
    /// `input` as [`super::quantize::Quantize`] leaves it. For formats that take it, and many rows.
    Int8,
    /// `input` as [`super::halve::Halve`] leaves it. For formats with products in half precision, and few rows.
    Halved,
}

/// `y = factor * (W x (+ bias))`.
///
/// Bindings by name: `input`, the weights, `vectors` (with [`Input::Norm`] or a bias), then `output`, or for [`Output::Heads`] those of
/// [`Append`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matmul {
    /// Output features.
    pub n: u32,
    /// Input features.
    pub k: u32,
    /// Storage of the weights.
    pub format: Storage,
    /// Whether a bias at `launch.bias` of `vectors` is added before the output stage.
    pub bias: bool,
    /// Factor on the sum.
    pub factor: f32,
    /// Prologue.
    pub input: Input,
    /// Epsilon of the norm.
    pub eps: f32,
    /// Epilogue.
    pub output: Output,
    /// Rows it is made for.
    pub rows: Rows,
}

impl Matmul {
    /// Rows that a check can afford.
    fn affordable(&self) -> u32 {
        (CHECKED / (u64::from(self.n) * u64::from(self.k)).max(1)) as u32
    }
}

impl Op for Matmul {
    fn key(&self) -> String {
        let input = match self.input {
            Input::Plain => "plain",
            Input::Norm => "norm",
            Input::Normed => "normed",
            Input::Int8 => "bytes",
            Input::Halved => "halved",
        };
        let bias = if self.bias { " bias" } else { "" };
        let output = self.output.key();
        let bias = if self.factor == 1.0 { bias.to_owned() } else { format!("{bias} scaled") };
        format!("matmul {} n={} k={} {input}{bias} {output} {}", self.format.name(), self.n, self.k, self.rows.name())
    }

    fn label(&self) -> String {
        let input = match self.input {
            Input::Plain => "",
            Input::Norm => "norm ",
            Input::Normed => "normed ",
            Input::Int8 => "int8 ",
            Input::Halved => "halved ",
        };
        let bias = if self.bias { " bias" } else { "" };
        let output = match self.output {
            Output::Store { softcap: None, .. } => String::new(),
            Output::Store { softcap: Some(_), .. } => " softcap".to_owned(),
            Output::Residual => " residual".to_owned(),
            Output::Gated(act) | Output::GatedSecond(act) => format!(" {}_mul", act.name()),
            Output::Act(act) => format!(" {}", act.name()),
            Output::Product { act, .. } => format!(" {} times", act.name()),
            Output::Heads(_) => " heads".to_owned(),
        };
        format!("{input}matmul {}x{}{bias}{output}", self.n, self.k)
    }

    fn rows(&self) -> Rows {
        self.rows
    }

    fn is_single(&self) -> bool {
        self.rows == Rows::One
    }

    fn default_schedule(&self, requires: &Requires) -> Schedule {
        schedule::default(self, requires)
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        build.int("N", self.n);
        build.int("K", self.k);
        self.format.build(build);
        match self.input {
            // The template is for nothing else.
            Input::Plain | Input::Halved => {}
            Input::Normed => {
                build.slot("input/plain", "input/normed");
                if build.imports("stage/x") {
                    build.slot("stage/x", "stage/x_normed");
                }
            }
            // Half a group at a time.
            Input::Int8 => build.slot("quant/words4", "quant/words2"),
            Input::Norm => norm::in_passing(build, self.eps),
        }
        if self.factor != 1.0 {
            build.slot("bias/none", if self.bias { "bias/vector_scaled" } else { "bias/scaled" });
            build.float("FACTOR", self.factor);
        } else if self.bias {
            build.slot("bias/none", "bias/vector");
        }
        match &self.output {
            Output::Store { stride, softcap } => {
                build.int("STRIDE", *stride);
                if let Some(cap) = softcap {
                    build.slot("output/store", "output/store_act");
                    build.slot("act/silu", "act/softcap");
                    build.float("CAP", *cap);
                }
            }
            Output::Residual => build.slot("output/store", "output/residual"),
            Output::Gated(act) => {
                build.slot("output/store", "output/gated");
                build.slot("act/silu", act.module());
            }
            Output::GatedSecond(act) => {
                build.slot("output/store", "output/gated_second");
                build.slot("act/silu", act.module());
            }
            Output::Act(act) => {
                build.int("STRIDE", self.n);
                build.slot("output/store", "output/store_act");
                build.slot("act/silu", act.module());
            }
            Output::Product { act, stride } => {
                build.int("STRIDE", *stride);
                build.slot("output/store", "output/product");
                build.slot("act/silu", act.module());
            }
            Output::Heads(append) => append.build(build, "output/store", false),
        }
        [Size::Const(self.n.div_ceil(4)), self.rows.size(), Size::Const(1)]
    }

    fn operands(&self, step: &Step, inputs: &mut Inputs) {
        inputs.set("gain", 4);
        inputs.set("bias", 4 + self.k);
        let (n, k, rows) = (self.n as usize, self.k as usize, inputs.rows);
        for (name, words) in self.format.operands(&mut inputs.random, n, k) {
            inputs.put(name, words);
        }
        inputs.floats("vectors", (4 + k + n).next_multiple_of(4), 0.5, 1.5);
        let input = match self.input {
            Input::Plain | Input::Norm => inputs.random.floats(rows * k, -1.0, 1.0),
            Input::Normed => inputs.random.halves(rows * k, -1.0, 1.0),
            Input::Int8 => int8::random(&mut inputs.random, rows, k),
            Input::Halved => halve::random(&mut inputs.random, rows, k),
        };
        inputs.put("input", input);
        match self.output {
            Output::Store { stride, .. } => {
                inputs.set("base", stride - self.n);
                inputs.floats("output", rows * stride as usize, -1.0, 1.0);
            }
            Output::Residual | Output::Act(_) => inputs.floats("output", rows * n, -1.0, 1.0),
            Output::Gated(_) | Output::GatedSecond(_) => inputs.floats("output", rows * n / 2, -1.0, 1.0),
            Output::Product { stride, .. } => {
                inputs.set("query_gain", (stride - self.n) / 4 * 4);
                inputs.floats("factors", rows * stride as usize, -1.0, 1.0);
                inputs.floats("output", rows * n, -1.0, 1.0);
            }
            Output::Heads(append) => append.operands(step, inputs),
        }
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        reference::run(self, launch, operands);
    }

    fn holds(&self, name: &str) -> Holds {
        match self.output {
            Output::Heads(append) if name == "cache" && append.heads.cache == Dtype::F16 => Holds::F16,
            _ => Holds::F32,
        }
    }

    fn bytes(&self, step: &Step) -> u64 {
        let (n, k) = (u64::from(self.n), u64::from(self.k));
        let input = match self.input {
            Input::Plain | Input::Norm => 4 * k,
            Input::Normed => 2 * k,
            Input::Int8 => 4 * u64::from(int8::row_words(self.k)),
            Input::Halved => 4 * u64::from(halve::row_words(self.k)),
        };
        let output = match &self.output {
            Output::Store { .. } | Output::Act(_) => 4 * n,
            Output::Residual | Output::Product { .. } => 8 * n,
            Output::Gated(_) | Output::GatedSecond(_) => 2 * n,
            Output::Heads(append) => append.bytes(),
        };
        n * self.format.row_bytes(self.k) + step.worked_rows() * (input + output)
    }

    fn operations(&self, step: &Step) -> u64 {
        if self.rows == Rows::Many { 2 * u64::from(self.n) * u64::from(self.k) * step.worked_rows() } else { 0 }
    }

    fn is_heavy(&self) -> bool {
        self.rows != Rows::Few
    }

    fn checked_rows(&self) -> u32 {
        match self.rows {
            Rows::One => 1,
            // Some more than kernels take together; one more than the sequences of a batch where more cost too much.
            Rows::Few => self.affordable().clamp(SEQUENCES + 1, 9),
            Rows::Many => self.affordable().clamp(9, 139),
        }
    }

    fn timed_rows(&self) -> Vec<u32> {
        match self.rows {
            Rows::One => vec![1],
            // Batches are of any size: some that a wide schedule does in one pass, and some that a narrow one has no idle columns for.
            Rows::Few => vec![SEQUENCES, 2 * SEQUENCES],
            Rows::Many => {
                let most = if let Output::Store { stride, .. } = self.output { MOST_LOGITS / 4 / stride.max(1) } else { PREFILL_ROWS };
                vec![most.clamp(SEQUENCES + 1, PREFILL_ROWS)]
            }
        }
    }
}
