//! Embedding lookup, and the rotation of each row: both depend on nothing but the rows.

use super::fusion::Fusion;
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

/// `x[row] = scale * table[token]`, and the rotation of each row: `rope[row][i] = (cos, sin)(position * frequency[i])` for
/// `i < head_dim / 2`.
///
/// Works on the `n` table rows from `launch.base` on: tokens outside are left to the dispatch that binds their part. The frequencies are at
/// `launch.gain` of `vectors`. Bindings: `rows`, `sampled`, the table, `output`, and with rotation `vectors`, `rope`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Embed {
    /// Rows of the part of the table that is bound.
    pub n: u32,
    /// Width.
    pub k: u32,
    /// Storage of the table.
    pub format: Storage,
    /// Elements that are rotated together; zero where nothing is.
    pub head_dim: u32,
    /// Factor on the rows.
    pub scale: f32,
}

impl Op for Embed {
    fn key(&self) -> String {
        format!("embed {} n={} k={} dim={}", self.format.name(), self.n, self.k, self.head_dim)
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
        if self.head_dim > 0 {
            build.int("HALF_DIM", self.head_dim / 2);
        } else {
            build.slot("embed/rope", "embed/no_rope");
        }
        [Size::Const(self.k / 4), Size::Rows, Size::Const(1)]
    }

    fn operands(&self, _step: &Step, inputs: &mut Inputs) {
        inputs.set("base", FIRST_TOKEN);
        inputs.set("gain", 8);
        for (name, words) in self.format.operands(&mut inputs.random, self.n as usize, self.k as usize) {
            inputs.put(name, words);
        }
        inputs.put("sampled", (0..SEQUENCES).map(|i| FIRST_TOKEN + 7 * i).collect());
        inputs.floats("vectors", 8 + (self.head_dim as usize / 2).next_multiple_of(4), 0.0, 1.0);
        inputs.floats("output", inputs.rows * self.k as usize, -1.0, 1.0);
        inputs.floats("rope", inputs.rows * self.head_dim as usize, -1.0, 1.0);
    }

    fn tokens(&self) -> u32 {
        self.n
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        let (k, half, base) = (self.k as usize, self.head_dim as usize / 2, launch.get("base"));
        let (mut output, mut rope) = (operands.take("output"), operands.take("rope"));
        let (rows, vectors) = (operands.read("rows"), operands.read("vectors"));
        for row in 0..launch.rows() {
            let [token, position, _, sequence] = [0, 1, 2, 3].map(|i| rows.word(4 * row + i));
            let token = if token == Row::SAMPLED { operands.read("sampled").word(sequence as usize) } else { token } as usize;
            if (base..base + self.n as usize).contains(&token) {
                let table = self.format.row(operands, token - base, k);
                table.iter().enumerate().for_each(|(i, x)| set(&mut output, row * k + i, x * f64::from(self.scale)));
            }
            for i in 0..half {
                // The angle is rounded to single precision, as Hugging Face does.
                let angle = f64::from(position as f32 * f32::from_bits(vectors.word(launch.get("gain") + i)));
                set(&mut rope, 2 * (row * half + i), angle.cos());
                set(&mut rope, 2 * (row * half + i) + 1, angle.sin());
            }
        }
        operands.give("output", output);
        operands.give("rope", rope);
    }

    fn bytes(&self, step: &Step) -> u64 {
        step.worked_rows() * (u64::from(self.k) * 4 + self.format.row_bytes(self.k) + u64::from(self.head_dim) * 4)
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

#[derive(Debug)]
struct Rotation {
    frequencies: Vec<f32>,
    value: Value,
    /// Where the frequencies lie in the vectors arena, once that is known.
    offset: u32,
}

/// Takes up the scaling of the embedding, and the rotation.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let &OpKind::Embed { table } = &fusion.op(value).kind else { return Ok(None) };
    let (mut output, mut scale) = (value, 1.0);
    if let Some(reader) = fusion.only_reader(value)
        && let &OpKind::Scale { factor, .. } = &fusion.op(reader).kind
    {
        fusion.take(reader);
        (output, scale) = (reader, factor);
    }
    let rotations = fusion.graph.ops.iter().enumerate().filter_map(|(index, op)| match &op.kind {
        OpKind::Rotation { frequencies } if !fusion.is_taken(Value(index)) => Some((Value(index), frequencies.clone())),
        _ => None,
    });
    let rotation = rotations.into_iter().next().map(|(value, frequencies)| Rotation { frequencies, value, offset: 0 });
    if let Some(rotation) = &rotation {
        fusion.take(rotation.value);
    }
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
        if let Some(rotation) = &mut self.rotation {
            rotation.offset = weights.values(&rotation.frequencies)?;
        }
        Ok(())
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        let table = at.weights.matrix(self.table);
        let parts = table.parts()?;
        let works = parts.iter().enumerate().map(|(index, part)| {
            let mut operands = vec![
                ("rows", Target::Whole(Buffer::Rows(0))),
                ("sampled", Target::Whole(Buffer::Sampled)),
                ("vectors", Target::Whole(Buffer::Vectors)),
                ("output", at.f32(self.output)),
            ];
            operands.extend(self.rotation.as_ref().map(|rotation| ("rope", at.f32(rotation.value))));
            operands.extend(weight_operands(part));
            let head_dim = self.rotation.as_ref().map_or(0, |rotation| at.graph.op(rotation.value).width);
            let spec = Embed { n: part.rows, k: table.k, format: table.format, head_dim, scale: self.scale };
            let gain = self.rotation.as_ref().map_or(0, |rotation| rotation.offset);
            let launch = Words { base: Size::Const(part.first), gain, ..Words::default() };
            Work { label: part_label(label, index, parts.len()), spec: spec.into(), operands, launch, span: at.span.clone() }
        });
        Ok(works.collect())
    }
}
