//! Linear layers take up what stands around them: the norm before, and after it an activation, a residual sum, or rotation and append.

use super::{Epilogue, Fusion, Prologue, StageKind};
use crate::graph::{OpKind, ParamId, Value};

impl Fusion<'_> {
    pub(super) fn matmul(&mut self, linear: Value, input: Value, weight: ParamId, bias: Option<ParamId>) -> StageKind {
        let (input, prologue) = self.prologue(input);
        let epilogue = self.epilogue(linear);
        StageKind::Matmul { input: self.home(input), weight, bias, prologue, epilogue }
    }

    /// A norm is worked out anew by every linear layer that reads it: cheaper than a trip through memory, except for matrix units (`lower/`).
    fn prologue(&mut self, input: Value) -> (Value, Prologue) {
        match self.graph.op(input).kind {
            OpKind::Norm { input: normed, gain, eps } if self.readers[input.0].iter().all(|&reader| self.is_linear(reader)) => {
                self.take(input);
                (normed, Prologue::Norm { gain, eps, normed: input })
            }
            _ => (input, Prologue::Plain),
        }
    }

    fn epilogue(&mut self, linear: Value) -> Epilogue {
        if let Some(append) = self.append(linear) {
            return Epilogue::Heads(append);
        }
        let store = Epilogue::Store { output: linear };
        let Some(reader) = self.only_reader(linear) else { return store };
        match self.graph.op(reader).kind {
            OpKind::SiluMul { .. } => {
                self.take(reader);
                Epilogue::SiluMul { output: reader }
            }
            OpKind::Add { left, right } => {
                let stream = if right == linear { left } else { right };
                if !self.is_done_with(stream, reader, linear) {
                    return store;
                }
                self.take(reader);
                self.homes[reader.0] = self.home(stream);
                Epilogue::Residual { stream: self.home(stream) }
            }
            _ => store,
        }
    }

    /// Whether all that read `value`, but for `sum`, have run before `linear` does: only then may it be added to in place.
    fn is_done_with(&self, value: Value, sum: Value, linear: Value) -> bool {
        self.readers[value.0].iter().filter(|&&reader| reader != sum).all(|&reader| {
            let norm = matches!(self.graph.op(reader).kind, OpKind::Norm { .. });
            reader < linear && (!norm || self.is_done_with(reader, sum, linear))
        })
    }

    fn is_linear(&self, value: Value) -> bool {
        matches!(self.graph.op(value).kind, OpKind::Linear { .. })
    }
}
