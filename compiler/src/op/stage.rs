//! Stages: what one kernel computes, or a few in a row, and the dispatches that do it.

use super::Spec;
use crate::Error;
use crate::entry::{Mode, Span};
use crate::graph::{Graph, Value};
use crate::weights::{Part, Weights};
use std::fmt::Debug;
use tegula_plan::{Activations, Binding, Buffer, Dtype, LAUNCH_WORDS, Model, Requires, Size};

/// Ops of a graph that belong together.
pub(crate) trait Stage: Debug {
    /// What it does, for people.
    fn text(&self, graph: &Graph) -> String;

    /// The owners (see [`super::fusion`]) that it is the first to write.
    fn makes(&self, graph: &Graph) -> Vec<Made>;

    /// Puts values that the compiler works out into the vectors arena.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TensorTooLarge`] where the arena would be.
    fn prepare(&mut self, _weights: &mut Weights) -> Result<(), Error> {
        Ok(())
    }

    /// Its dispatches for the rows of [`At::span`]. `label` is that of the op that it grew around, with what sets the rows apart.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TensorTooLarge`] where no device could bind what it reads.
    fn works(&self, label: &str, at: &At<'_>) -> Result<Vec<Work>, Error>;
}

/// Where a stage is lowered: for which model, entry and device class.
pub(crate) struct At<'a> {
    pub graph: &'a Graph,
    pub weights: &'a Weights,
    pub model: &'a Model,
    pub mode: &'a Mode,
    pub requires: &'a Requires,
    /// Element type of the caches.
    pub cache: Dtype,
    /// The type of activations in matrix multiplications of many rows.
    pub activations: Activations,
    /// The rows that it works on.
    pub span: &'a Span,
    /// The value that ids are picked from.
    pub logits: Option<Value>,
    /// Rows of the logits buffer.
    pub logits_rows: u32,
}

impl At<'_> {
    /// An activation in single precision.
    pub fn f32(&self, value: Value) -> Target {
        Target::activation(value, Form::F32, Bytes::of_rows(4 * u64::from(self.graph.op(value).width)))
    }

    /// An activation in half precision.
    pub fn f16(&self, value: Value) -> Target {
        Target::activation(value, Form::F32, Bytes::of_rows(2 * u64::from(self.graph.op(value).width)))
    }

    /// The logits buffer.
    pub fn logits(&self) -> Target {
        Target::Whole(Buffer::Logits { rows: self.logits_rows })
    }

    /// The rows of a step, as the group of a layer's cache has them.
    pub fn rows_of(&self, layer: u32) -> Target {
        Target::Whole(Buffer::Rows(self.group(layer)))
    }

    /// The group of layers that keep their tokens as a layer does.
    pub fn group(&self, layer: u32) -> u32 {
        self.model.group_of(layer).expect("every layer with attention is in a group") as u32
    }

    /// Where a stored value goes: the logits have a buffer of their own.
    pub fn stored(&self, value: Value) -> Target {
        if Some(value) == self.logits { self.logits() } else { self.f32(value) }
    }
}

/// What an activation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes {
    /// Bytes of each row.
    pub row: u64,
    /// More for each row whose sequence attention cuts into parts.
    pub parts: u64,
}

impl Bytes {
    /// Nothing but rows.
    pub fn of_rows(row: u64) -> Bytes {
        Bytes { row, parts: 0 }
    }
}

/// An owner of memory that a stage is the first to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    /// Which.
    pub value: Value,
    /// What it takes.
    pub bytes: Bytes,
}

impl Made {
    /// A value in single precision.
    pub fn f32(graph: &Graph, value: Value) -> Made {
        Made { value, bytes: Bytes::of_rows(4 * u64::from(graph.op(value).width)) }
    }
}

/// What an activation holds. One value may be needed in two forms at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// Numbers of rows of the step.
    F32,
    /// The same in int8.
    Int8,
    /// The same in half precision, each row with a power of two.
    Halved,
    /// Scratch for the rows that ids are picked for.
    Picked,
}

/// What a kernel binds.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// An activation.
    Activation {
        /// Which value it is, or stands for.
        value: Value,
        /// In which form.
        form: Form,
        /// What it takes.
        bytes: Bytes,
    },
    /// A whole buffer.
    Whole(Buffer),
    /// Part of one; the binding's own buffer is left open.
    Part(Buffer, Binding),
}

impl Target {
    /// An activation.
    pub fn activation(value: Value, form: Form, bytes: Bytes) -> Target {
        Target::Activation { value, form, bytes }
    }
}

/// A dispatch to be.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub label: String,
    pub spec: Spec,
    pub operands: Vec<(&'static str, Target)>,
    pub launch: Launch,
    /// The rows that it works on.
    pub span: Span,
}

impl Work {
    /// The workgroups of a kernel whose grid would be `grid` for all rows of a step.
    pub fn grid(&self, grid: &[Size; 3]) -> [Size; 3] {
        let count = |size: &Size| (*size == Size::Rows).then(|| self.span.count.clone());
        let [x, y, mut z] = grid.each_ref().map(|size| size.with(&count));
        if self.spec.takes_segments() {
            z = Size::Segments;
        }
        match self.span.runs {
            Size::Const(1) => {}
            ref runs if z == Size::Const(1) => z = runs.clone(),
            ref runs => z = Size::Mul(Box::new(z), Box::new(runs.clone())),
        }
        [x, y, z]
    }
}

/// Words of the launch uniform; see [`tegula_plan::LAUNCH_MEMBERS`].
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub first: Size,
    pub splits: Size,
    pub base: Size,
    pub gain: u32,
    pub bias: u32,
    pub query_gain: u32,
    pub key_gain: u32,
}

impl Default for Launch {
    fn default() -> Self {
        Launch { first: Size::Const(0), splits: Size::Const(0), base: Size::Const(0), gain: 0, bias: 0, query_gain: 0, key_gain: 0 }
    }
}

impl Launch {
    /// In the order of the uniform block.
    pub fn words(&self) -> [Size; LAUNCH_WORDS] {
        let [gain, bias, query_gain, key_gain] = [self.gain, self.bias, self.query_gain, self.key_gain].map(Size::Const);
        [Size::Rows, self.first.clone(), self.splits.clone(), self.base.clone(), gain, bias, query_gain, key_gain]
    }
}

/// The operands that a part of a matrix is.
pub(crate) fn weight_operands(part: &Part) -> impl Iterator<Item = (&'static str, Target)> {
    part.tensors.iter().map(|&(name, param, binding)| (name, Target::Part(Buffer::Weight(param), binding)))
}

/// The label of one of several dispatches that share a table.
pub(crate) fn part_label(label: &str, index: usize, parts: usize) -> String {
    if parts == 1 { label.into() } else { format!("{label}.{index}") }
}
