//! Stages: what one kernel computes, or a few in a row, and the dispatches that do it.

use super::Spec;
use crate::Error;
use crate::graph::{Graph, Value};
use crate::lower::Mode;
use crate::weights::{Part, Weights};
use std::fmt::Debug;
use tegula_plan::{Activations, Binding, Buffer, LAUNCH_WORDS, Model, Requires, Size};

/// Ops of a graph that belong together.
pub(crate) trait Stage: Debug {
    /// What it does, for people.
    fn text(&self, graph: &Graph) -> String;

    /// The homes that it is the first to write, and the bytes of a row of each, where attention is split or not.
    fn makes(&self, graph: &Graph, split: bool) -> Vec<(Value, u64)>;

    /// Puts values that the compiler works out into the vectors arena.
    ///
    /// # Errors
    /// [`crate::ErrorKind::TensorTooLarge`] where the arena would be.
    fn prepare(&mut self, _weights: &mut Weights) -> Result<(), Error> {
        Ok(())
    }

    /// Its dispatches. `label` is that of the op that it grew around.
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
    /// What matrix multiplications of many rows take activations as.
    pub activations: Activations,
    /// Whether the stage is behind the last attention. Then it works on the rows that get logits only.
    pub tail: bool,
    /// The value that ids are picked from.
    pub logits: Option<Value>,
    /// Rows of the logits buffer.
    pub logits_rows: u32,
}

impl At<'_> {
    /// The rows that kernels are made for, and the first row that they work on.
    pub fn rows(&self) -> (super::Rows, Size) {
        if self.tail { (self.mode.head_rows(), self.mode.head_first()) } else { (self.mode.rows, Size::Const(0)) }
    }

    /// An activation in single precision.
    pub fn f32(&self, value: Value) -> Target {
        Target::activation(value, Form::F32, 4 * u64::from(self.graph.op(value).width))
    }

    /// An activation in half precision.
    pub fn f16(&self, value: Value) -> Target {
        Target::activation(value, Form::F32, 2 * u64::from(self.graph.op(value).width))
    }

    /// The logits buffer.
    pub fn logits(&self) -> Target {
        Target::Whole(Buffer::Logits { rows: self.logits_rows })
    }

    /// Where a stored value goes: the logits have a buffer of their own.
    pub fn stored(&self, value: Value) -> Target {
        if Some(value) == self.logits { self.logits() } else { self.f32(value) }
    }
}

/// What an activation holds. One value may be needed in two forms at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// Numbers of rows of the step.
    F32,
    /// The same in int8.
    Int8,
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
        /// Bytes of a row.
        row_bytes: u64,
    },
    /// A whole buffer.
    Whole(Buffer),
    /// Part of one; the binding's own buffer is left open.
    Part(Buffer, Binding),
}

impl Target {
    /// An activation.
    pub fn activation(value: Value, form: Form, row_bytes: u64) -> Target {
        Target::Activation { value, form, row_bytes }
    }
}

/// A dispatch to be.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub label: String,
    pub spec: Spec,
    pub operands: Vec<(&'static str, Target)>,
    pub launch: Launch,
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
