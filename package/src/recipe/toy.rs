//! What tests of recipes work with: a codec that rounds, a sink in memory, and tensors made of a few numbers.

use std::sync::Arc;

use tegula_plan::{Dtype, Param};

use super::{Codec, Part, Sink, Store};
use crate::{Element, MemorySource, Result, Tensor};

/// Eight bits a number, four numbers a word, and a scale for the row.
pub(super) struct Bytes(pub(super) Element);

impl Codec for Bytes {
    fn sizes(&self, columns: usize) -> (usize, usize) {
        (columns.div_ceil(4), 1)
    }

    fn scale(&self) -> Element {
        self.0
    }

    fn encode(&self, row: &[f32], words: &mut [u32], scales: &mut [f32]) {
        let greatest = row.iter().fold(0.0f32, |greatest, value| greatest.max(value.abs()));
        scales[0] = greatest / 127.0;
        for (word, values) in words.iter_mut().zip(row.chunks(4)) {
            let codes = values.iter().rev().map(|value| (value / scales[0]).round() as i8 as u8);
            *word = codes.fold(0, |word, code| word << 8 | u32::from(code));
        }
    }

    fn decode(&self, words: &[u32], scales: &[f32], row: &mut [f32]) {
        for (column, value) in row.iter_mut().enumerate() {
            *value = f32::from((words[column / 4] >> (8 * (column % 4))) as u8 as i8) * scales[0];
        }
    }
}

/// The tensors that a recipe made: what they are, how they are stored, and their bytes.
#[derive(Default)]
pub(super) struct Made(pub(super) Vec<(Param, Element, Vec<u8>)>);

impl Sink for Made {
    fn begin(&mut self, tensor: &Param, stored: Element) -> Result<()> {
        self.0.push((tensor.clone(), stored, Vec::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.last_mut().unwrap().2.extend(bytes);
        Ok(())
    }
}

impl Made {
    pub(super) fn numbers(&self, index: usize) -> Vec<f32> {
        let (_, stored, bytes) = &self.0[index];
        let mut values = vec![0.0; bytes.len() / stored.bytes().unwrap() as usize];
        stored.widen(bytes, &mut values);
        values
    }

    /// A tensor of these as one of a checkpoint.
    pub(super) fn tensor(&self, index: usize) -> Tensor {
        let (param, stored, bytes) = self.0[index].clone();
        let source = Arc::new(MemorySource::new("made", bytes));
        Tensor { name: param.name, shape: param.shape, element: stored, dtype: String::new(), source, offset: 0 }
    }
}

/// A tensor of a checkpoint, behind some bytes of others.
pub(super) fn tensor(name: &str, shape: &[u64], element: Element, values: &[f32]) -> Tensor {
    const BEFORE: usize = 7;
    let mut bytes = vec![0xff; BEFORE + values.len() * element.bytes().unwrap() as usize];
    element.narrow(values, &mut bytes[BEFORE..]);
    let source = Arc::new(MemorySource::new("model.safetensors", bytes));
    Tensor { name: name.into(), shape: shape.into(), element, dtype: String::new(), source, offset: BEFORE as u64 }
}

pub(super) fn in_rows(tensor: Tensor) -> Part {
    Part::rows(&tensor).unwrap()
}

pub(super) fn in_columns(tensor: Tensor) -> Part {
    Part::columns(&tensor).unwrap()
}

pub(super) fn param(name: &str, shape: &[u64], dtype: Dtype) -> Param {
    Param::whole(name.into(), shape.into(), dtype)
}

pub(super) fn numbers(shape: &[u64], dtype: Dtype) -> Store {
    Store::Numbers { tensor: param("out", shape, dtype), rounded: false }
}
