//! Embedding lookup, and the rotation of each row: both depend on nothing but the rows.

use super::fusion::Fusion;
use super::rotation::{Angles, Rotation};
use super::stage::{At, Launch as Words, Made, Stage, Target, Work, part_label, weight_operands};
use super::step::{FIRST_TOKEN, Inputs, SEQUENCES, Step};
use super::{Op, Rows};
use crate::Error;
use crate::format::Storage;
use crate::graph::{Graph, OpKind, ParamId, Value};
use crate::operand::{Launch, Operands, set};
use crate::schedule::{Build, Schedule};
use crate::weights::Weights;
use tegula_plan::{Buffer, Requires, Row, Size};

/// `x[row] = scale * table[token]`, and the rotation of each row as [`Angles`] says.
///
/// Works on the `n` table rows from `launch.base` on: tokens outside are left to the dispatch that binds their part. Bindings: `rows`,
/// `sampled`, the table, `output`, and with rotation those of [`Angles`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Embed {
    /// Rows of the part of the table that is bound.
    pub n: u32,
    /// Width.
    pub k: u32,
    /// Storage of the table.
    pub format: Storage,
    /// The rotations that it makes, too.
    pub angles: Option<Angles>,
    /// Factor on the rows.
    pub scale: f32,
}

impl Op for Embed {
    fn key(&self) -> String {
        let (width, kind) = self.angles.map_or((0, ""), |angles| (angles.width, angles.kind()));
        format!("embed {} n={} k={} dim={width}{kind}", self.format.name(), self.n, self.k)
    }

    fn label(&self) -> String {
        format!("embed {}x{}", self.n, self.k)
    }

    fn rows(&self) -> Rows {
        Rows::Many
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of("embed/lookup")
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        build.int("N", self.n);
        build.int("K", self.k);
        build.float("SCALE", self.scale);
        self.format.build(build);
        match self.angles {
            Some(angles) => angles.build(build),
            None => build.slot("embed/rope", "embed/no_rope"),
        }
        [Size::Const(self.k / 4), Size::Rows, Size::Const(1)]
    }

    fn operands(&self, _step: &Step, inputs: &mut Inputs) {
        inputs.set("base", FIRST_TOKEN);
        for (name, words) in self.format.operands(&mut inputs.random, self.n as usize, self.k as usize) {
            inputs.put(name, words);
        }
        inputs.put("sampled", (0..SEQUENCES).map(|i| FIRST_TOKEN + 7 * i).collect());
        inputs.floats("output", inputs.rows * self.k as usize, -1.0, 1.0);
        match self.angles {
            Some(angles) => angles.put(8, inputs),
            None => inputs.floats("vectors", 8, 0.0, 1.0),
        }
    }

    fn tokens(&self) -> u32 {
        self.n
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        let (k, base) = (self.k as usize, launch.get("base"));
        let mut output = operands.take("output");
        let rows = operands.read("rows");
        for row in 0..launch.rows() {
            let [token, _, _, sequence] = [0, 1, 2, 3].map(|i| rows.word(4 * row + i));
            let token = if token == Row::SAMPLED { operands.read("sampled").word(sequence as usize) } else { token } as usize;
            if (base..base + self.n as usize).contains(&token) {
                let table = self.format.row(operands, token - base, k);
                table.iter().enumerate().for_each(|(i, x)| set(&mut output, row * k + i, x * f64::from(self.scale)));
            }
        }
        operands.give("output", output);
        if let Some(angles) = self.angles {
            angles.compute(launch, operands);
        }
    }

    fn bytes(&self, step: &Step) -> u64 {
        step.worked_rows() * (u64::from(self.k) * 4 + self.format.row_bytes(self.k) + self.angles.map_or(0, |angles| angles.row_bytes()))
    }
}

/// The stage: the rotation goes with the first table.
#[derive(Debug)]
struct Lookup {
    table: ParamId,
    output: Value,
    scale: f32,
    rotation: Option<Rotation>,
}

/// Takes up the scaling of the embedding, and the rotation.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let &OpKind::Embed { table } = &fusion.op(value).kind else { return Ok(None) };
    let (output, scale) = fusion.scaled(value);
    let waits = |value: &Value| matches!(fusion.op(*value).kind, OpKind::Rotation { .. }) && !fusion.is_taken(*value);
    let rotation = (0..fusion.graph.ops.len()).map(Value).find(waits).map(|value| Rotation::take(fusion, value));
    Ok(Some(Box::new(Lookup { table, output, scale, rotation })))
}

impl Stage for Lookup {
    fn text(&self, graph: &Graph) -> String {
        let name = &graph.param(self.table).name;
        let scale = if self.scale == 1.0 { String::new() } else { format!(" scale {}", self.scale) };
        match &self.rotation {
            Some(rotation) => format!("{}, {} = embed {name}{scale} + rotation", self.output, rotation.value),
            None => format!("{} = embed {name}{scale}", self.output),
        }
    }

    fn makes(&self, graph: &Graph) -> Vec<Made> {
        let rotation = self.rotation.as_ref().map(|rotation| rotation.value);
        [self.output].into_iter().chain(rotation).map(|value| Made::f32(graph, value)).collect()
    }

    fn prepare(&mut self, weights: &mut Weights) -> Result<(), Error> {
        self.rotation.as_mut().map_or(Ok(()), |rotation| rotation.prepare(weights))
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        let table = at.weights.matrix(self.table);
        let parts = table.parts()?;
        let works = parts.iter().enumerate().map(|(index, part)| {
            let mut operands = vec![
                ("rows", Target::Whole(Buffer::Rows(0))),
                ("sampled", Target::Whole(Buffer::Sampled)),
                ("output", at.f32(self.output)),
            ];
            operands.extend(self.rotation.iter().flat_map(|rotation| rotation.operands(at)));
            operands.extend(weight_operands(part));
            let angles = self.rotation.as_ref().map(Rotation::angles);
            let spec = Embed { n: part.rows, k: table.k, format: table.format, angles, scale: self.scale };
            let [gain, bias] = self.rotation.as_ref().map_or([0; 2], |rotation| rotation.offsets);
            let launch = Words { base: Size::Const(part.first), gain, bias, ..Words::default() };
            Work { label: part_label(label, index, parts.len()), spec: spec.into(), operands, launch, span: at.span.clone() }
        });
        Ok(works.collect())
    }
}
