//! Learned positions: a row of a table for each position, added to the residual stream.

use super::fusion::Fusion;
use super::stage::{At, Launch as LaunchWords, Made, Stage, Target, Work, part_label, weight_operands};
use super::step::{FIRST_TOKEN, Inputs, Step};
use super::{Op, Rows};
use crate::Error;
use crate::format::Storage;
use crate::graph::{Graph, OpKind, ParamId, Value};
use crate::operand::{Launch, Operands, Words, set};
use crate::schedule::{Build, Schedule};
use tegula_plan::{Buffer, Requires, Size};

/// `x[row] += table[position]`.
///
/// Works on the `n` table rows from `launch.base` on, as [`super::embed::Embed`] does. Bindings: `rows`, the table, `output`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Positions {
    /// Rows of the part of the table that is bound.
    pub n: u32,
    /// Width.
    pub k: u32,
    /// Storage of the table.
    pub format: Storage,
}

impl Op for Positions {
    fn key(&self) -> String {
        format!("positions {} n={} k={}", self.format.name(), self.n, self.k)
    }

    fn label(&self) -> String {
        format!("positions {}x{}", self.n, self.k)
    }

    fn rows(&self) -> Rows {
        Rows::Many
    }

    fn default_schedule(&self, _requires: &Requires) -> Schedule {
        Schedule::of("embed/positions")
    }

    fn build(&self, build: &mut Build<'_>) -> [Size; 3] {
        build.int("N", self.n);
        build.int("K", self.k);
        self.format.build(build);
        [Size::Const(self.k / 4), Size::Rows, Size::Const(1)]
    }

    fn operands(&self, _step: &Step, inputs: &mut Inputs) {
        inputs.set("base", FIRST_TOKEN);
        for (name, words) in self.format.operands(&mut inputs.random, self.n as usize, self.k as usize) {
            inputs.put(name, words);
        }
        inputs.floats("output", inputs.rows * self.k as usize, -1.0, 1.0);
    }

    fn reference(&self, launch: &Launch, operands: &mut Operands) {
        let (k, base) = (self.k as usize, launch.get("base"));
        let mut output = operands.take("output");
        for row in 0..launch.rows() {
            let position = operands.read("rows").word(4 * row + 1) as usize;
            if (base..base + self.n as usize).contains(&position) {
                for (i, x) in self.format.row(operands, position - base, k).into_iter().enumerate() {
                    let sum = Words(&output).float(row * k + i) + x;
                    set(&mut output, row * k + i, sum);
                }
            }
        }
        operands.give("output", output);
    }

    fn bytes(&self, step: &Step) -> u64 {
        step.worked_rows() * (u64::from(self.k) * 8 + self.format.row_bytes(self.k))
    }
}

#[derive(Debug)]
struct AddPositions {
    table: ParamId,
    stream: Value,
}

/// Adds to the stream where it lies.
pub(crate) fn rule(fusion: &mut Fusion<'_>, value: Value) -> Result<Option<Box<dyn Stage>>, Error> {
    let &OpKind::Positions { input, table } = &fusion.op(value).kind else { return Ok(None) };
    if fusion.only_reader(input) != Some(value) {
        return Err(fusion.refuse(value, "something else reads what it adds to"));
    }
    let stream = fusion.home(input);
    fusion.move_into(value, stream);
    Ok(Some(Box::new(AddPositions { table, stream })))
}

impl Stage for AddPositions {
    fn text(&self, graph: &Graph) -> String {
        format!("{} += positions {}", self.stream, graph.param(self.table).name)
    }

    fn makes(&self, _graph: &Graph) -> Vec<Made> {
        Vec::new()
    }

    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error> {
        let table = at.weights.matrix(self.table);
        let parts = table.parts()?;
        let works = parts.iter().enumerate().map(|(index, part)| {
            let mut operands = vec![("rows", Target::Whole(Buffer::Rows(0))), ("output", at.f32(self.stream))];
            operands.extend(weight_operands(part));
            let spec = Positions { n: part.rows, k: table.k, format: table.format };
            let launch = LaunchWords { base: Size::Const(part.first), ..LaunchWords::default() };
            Work { label: part_label(label, index, parts.len()), spec: spec.into(), operands, launch, span: at.span.clone() }
        });
        Ok(works.collect())
    }
}
