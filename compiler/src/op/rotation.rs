//! Rotations: cosine and sine of the angles of each row. The first of a model is made by the embedding's kernel, any other by one of its own.

use super::fusion::Fusion;
use super::stage::{At, Launch as Words, Made, Stage, Target, Work};
use super::step::{Inputs, SEQUENCES, Step};
use super::{Op, Rows};
use crate::Error;
use crate::graph::{Graph, OpKind, Value};
use crate::operand::{Launch, Operands, set};
use crate::schedule::{Build, Schedule};
use crate::weights::Weights;
use tegula_plan::{Buffer, Requires, Size};

/// `rope[row][i] = factor * (cos, sin)(position * frequency[i])` for `i < width / 2`.
///
/// The frequencies are at `launch.gain` of `vectors`. Bindings: `rows`, `vectors`, `rope`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Angles {
    /// Elements of a head that are rotated.
    pub width: u32,
    /// Factor on cosines and sines.
    pub factor: f32,
    /// Whether sequences that are marked in `stretched` have other frequencies, at `launch.bias` of `vectors`.
    pub long: bool,
}

impl Angles {
    /// Sets what makes them.
    pub(super) fn build(&self, build: &mut Build<'_>) {
        build.int("HALF_DIM", self.width / 2);
        if self.long {
            build.slot("embed/rope", "embed/rope_long");
        } else if self.factor != 1.0 {
            build.slot("embed/rope", "embed/rope_scaled");
        }
        if self.long || self.factor != 1.0 {
            build.float("FACTOR", self.factor);
        }
    }

    /// Frequencies at `gain` of the vectors, and where the result goes.
    pub(super) fn put(&self, gain: u32, inputs: &mut Inputs) {
        inputs.set("gain", gain);
        let pairs = (self.width as usize / 2).next_multiple_of(4);
        inputs.set("bias", gain + pairs as u32);
        inputs.floats("vectors", gain as usize + 2 * pairs, 0.0, 1.0);
        inputs.put("stretched", (0..SEQUENCES).map(|sequence| sequence % 2).collect());
        inputs.floats("rope", inputs.rows * self.width as usize, -1.0, 1.0);
    }

    /// Makes them on the CPU.
    pub(super) fn compute(&self, launch: &Launch, operands: &mut Operands) {
        let half = self.width as usize / 2;
        let mut rope = operands.take("rope");
        let (rows, vectors) = (operands.read("rows"), operands.read("vectors"));
        for row in 0..launch.rows() {
            let (position, sequence) = (rows.word(4 * row + 1), rows.word(4 * row + 3) as usize);
            let is_long = self.long && operands.read("stretched").word(sequence) != 0;
            let first = launch.get(if is_long { "bias" } else { "gain" });
            for i in 0..half {
                // The angle is rounded to single precision, as Hugging Face does.
                let angle = f64::from(position as f32 * f32::from_bits(vectors.word(first + i)));
                set(&mut rope, 2 * (row * half + i), f64::from(self.factor) * angle.cos());
                set(&mut rope, 2 * (row * half + i) + 1, f64::from(self.factor) * angle.sin());
            }
        }
        operands.give("rope", rope);
    }

    /// What is unusual, in keys.
    pub(super) fn kind(&self) -> &'static str {
        match (self.long, self.factor == 1.0) {
            (true, _) => " long",
            (false, false) => " scaled",
            (false, true) => "",
        }
    }

    /// Bytes of a row.
    pub(super) fn row_bytes(&self) -> u64 {
        u64::from(self.width) * 4
    }
}

impl Op for Angles {
    fn key(&self) -> String {
        format!("rotation dim={}{}", self.width, self.kind())
    }

    fn label(&self) -> String {
        format!("rotation {}", self.width)
    }

    fn rows(&self) -> Rows {
        Rows::Many
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of("embed/rotation")
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        Angles::build(self, build);
        [Size::Const(1), Size::Rows, Size::Const(1)]
    }

    fn operands(&self, _step: &Step, inputs: &mut Inputs) {
        self.put(8, inputs);
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        self.compute(launch, operands);
    }

    fn bytes(&self, step: &Step) -> u64 {
        step.worked_rows() * self.row_bytes()
    }
}

/// A rotation of the graph.
#[derive(Debug)]
pub(super) struct Rotation {
    /// What it makes.
    pub value: Value,
    frequencies: Vec<f32>,
    long: Option<Vec<f32>>,
    factor: f32,
    /// Where the frequencies lie in the vectors arena, once that is known, and where the long ones do.
    pub offsets: [u32; 2],
}

impl Rotation {
    /// Takes one up.
    ///
    /// # Panics
    /// If the value is no rotation.
    pub fn take(fusion: &mut Fusion<'_>, value: Value) -> Rotation {
        let OpKind::Rotation { frequencies, long, factor } = &fusion.op(value).kind else { unreachable!("callers have looked") };
        fusion.take(value);
        Rotation { value, frequencies: frequencies.clone(), long: long.clone(), factor: *factor, offsets: [0; 2] }
    }

    /// What kernels compute of it.
    pub fn angles(&self) -> Angles {
        Angles { width: 2 * self.frequencies.len() as u32, factor: self.factor, long: self.long.is_some() }
    }

    /// What its kernel binds for it.
    pub fn operands(&self, at: &At<'_>) -> Vec<(&'static str, Target)> {
        let mut operands = vec![("vectors", Target::Whole(Buffer::Vectors)), ("rope", at.f32(self.value))];
        operands.extend(self.long.as_ref().map(|_| ("stretched", Target::Whole(Buffer::Stretched))));
        operands
    }
}

/// Takes rotations but the first, which goes with the embedding.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let is_rotation = |op: &crate::graph::Op| matches!(op.kind, OpKind::Rotation { .. });
    let first = fusion.graph.ops.iter().position(is_rotation);
    if !is_rotation(fusion.op(value)) || first == Some(value.0) {
        return Ok(None);
    }
    Ok(Some(Box::new(Rotation::take(fusion, value))))
}

impl Stage for Rotation {
    fn text(&self, _graph: &Graph) -> String {
        format!("{} = rotation", self.value)
    }

    fn makes(&self, graph: &Graph) -> Vec<Made> {
        vec![Made::f32(graph, self.value)]
    }

    fn prepare(&mut self, weights: &mut Weights) -> Result<(), Error> {
        self.offsets[0] = weights.values(&self.frequencies)?;
        if let Some(long) = &self.long {
            self.offsets[1] = weights.values(long)?;
        }
        Ok(())
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        let mut operands = vec![("rows", Target::Whole(Buffer::Rows(0)))];
        operands.extend(self.operands(at));
        let launch = Words { gain: self.offsets[0], bias: self.offsets[1], ..Words::default() };
        Ok(vec![Work { label: label.into(), spec: self.angles().into(), operands, launch, span: at.span.clone() }])
    }
}
