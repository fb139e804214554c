//! The state of fusion: which ops of a graph belong to a stage, and in whose memory each value lives.
//!
//! A stage takes up the ops around it that its kernel can compute in passing. A value may live in the memory of another value, its *owner*
//! (`home`): the sum of a residual connection lives in the buffer of the stream that it is added to.

use super::stage::Stage;
use crate::graph::{Graph, NormKind, Op, OpKind, Value};
use crate::{Error, ErrorKind};

/// Makes a stage around an op, if it is one that the rule knows.
pub(crate) type Rule = fn(&mut Fusion<'_>, Value) -> Result<Option<Box<dyn Stage>>, Error>;

/// The graph, and which of its ops belong to a stage.
pub(crate) struct Fusion<'a> {
    pub graph: &'a Graph,
    /// The ops that read each value.
    readers: Vec<Vec<Value>>,
    /// The owner of each value: the value whose memory holds it.
    homes: Vec<Value>,
    /// Ops that belong to a stage.
    taken: Vec<bool>,
}

impl<'a> Fusion<'a> {
    pub fn new(graph: &'a Graph) -> Self {
        let mut readers = vec![Vec::new(); graph.ops.len()];
        for (index, op) in graph.ops.iter().enumerate() {
            op.reads().for_each(|read| readers[read.0].push(Value(index)));
        }
        let homes = (0..graph.ops.len()).map(Value).collect();
        Fusion { graph, readers, homes, taken: vec![false; graph.ops.len()] }
    }

    /// The op that makes a value.
    pub fn op(&self, value: Value) -> &'a Op {
        self.graph.op(value)
    }

    /// The owner of a value.
    pub fn home(&self, value: Value) -> Value {
        self.homes[value.0]
    }

    /// Lets a value live in the memory of another.
    pub fn move_into(&mut self, value: Value, home: Value) {
        self.homes[value.0] = home;
    }

    /// Takes an op up.
    pub fn take(&mut self, value: Value) {
        self.taken[value.0] = true;
    }

    /// Whether an op belongs to a stage.
    pub fn is_taken(&self, value: Value) -> bool {
        self.taken[value.0]
    }

    /// The ops that read a value.
    pub fn readers(&self, value: Value) -> &[Value] {
        &self.readers[value.0]
    }

    /// The only op that reads a value.
    pub fn only_reader(&self, value: Value) -> Option<Value> {
        match self.readers[value.0][..] {
            [reader] => Some(reader),
            _ => None,
        }
    }

    /// Whether everything that reads `value`, but for `sum`, has run before `now` does: only then may it be added to in place.
    pub fn is_done_with(&self, value: Value, sum: Value, now: Value) -> bool {
        self.readers[value.0].iter().filter(|&&reader| reader != sum).all(|&reader| {
            // A norm runs where its readers do.
            let norm = matches!(self.op(reader).kind, OpKind::Norm { .. });
            reader < now && (!norm || self.is_done_with(reader, sum, now))
        })
    }

    /// Whether all readers of a norm are linear layers, which take it up.
    pub fn is_prologue(&self, norm: Value) -> bool {
        let readers = self.readers(norm);
        let all = readers.iter().all(|&reader| matches!(self.op(reader).kind, OpKind::Linear { .. }));
        // A layer norm takes a kernel of its own, which serves one reader.
        let layer = matches!(self.op(norm).kind, OpKind::Norm { kind: NormKind::Layer, .. });
        !readers.is_empty() && all && (!layer || readers.len() == 1)
    }

    /// Takes up the scaling that is the only reader of `value`. Returns the scaled value and the factor.
    pub fn scaled(&mut self, value: Value) -> (Value, f32) {
        let Some(reader) = self.only_reader(value) else { return (value, 1.0) };
        let &OpKind::Scale { factor, .. } = &self.op(reader).kind else { return (value, 1.0) };
        self.take(reader);
        (reader, factor)
    }

    /// Takes up the sum that is the only reader of `value`, if it may be added to its stream in place. Returns the owner of the stream.
    pub fn residual(&mut self, value: Value) -> Option<Value> {
        let sum = self.only_reader(value)?;
        let &OpKind::Add { left, right } = &self.op(sum).kind else { return None };
        let stream = if right == value { left } else { right };
        if !self.is_done_with(stream, sum, value) {
            return None;
        }
        self.take(sum);
        let home = self.home(stream);
        self.move_into(sum, home);
        Some(home)
    }

    /// The error that names an op.
    pub fn refuse(&self, value: Value, reason: &str) -> Error {
        ErrorKind::Unfused { op: self.op(value).label.clone(), reason: reason.into() }.into()
    }

    /// The first op that belongs to no stage.
    pub fn left(&self) -> Option<Value> {
        self.taken.iter().position(|taken| !taken).map(Value)
    }
}
