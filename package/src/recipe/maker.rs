//! Parameters on their way from numbers to bytes of a package, a piece at a time.

use rayon::prelude::*;
use tegula_plan::Dtype;

use super::part::TASK;
use super::{Codec, Parameter, Piece, Sink, Store};
use crate::numbers::is_bf16;
use crate::{Element, Error, ErrorKind, Result};

/// Scales that are written at a time.
const SCALES: usize = 1 << 20;

/// Makes one parameter after another. It keeps its buffers, and of a parameter only the scales.
#[derive(Default)]
pub struct Maker {
    /// How the parameter's numbers are stored, where it is not in codes.
    stored: Option<Element>,
    /// The piece in single precision.
    values: Vec<f32>,
    /// Numbers on the way there.
    scratch: Vec<f32>,
    /// The piece as it is stored.
    bytes: Vec<u8>,
    words: Vec<u32>,
    /// The scales of the parameter so far.
    scales: Vec<f32>,
}

impl Maker {
    /// Whether bfloat16 holds every number of a piece.
    pub fn is_exact(&mut self, piece: &Piece<'_>, bytes: &[u8]) -> bool {
        piece.decode(bytes, &mut self.scratch, &mut self.values);
        self.values.iter().copied().all(is_bf16)
    }

    /// Starts a parameter. `exact` says whether all of its pieces that are [`Parameter::undecided`] are
    /// exact.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn begin(&mut self, parameter: &Parameter, exact: bool, sink: &mut dyn Sink) -> Result<()> {
        self.scales.clear();
        match &parameter.store {
            Store::Coded { words, .. } => {
                self.stored = None;
                sink.begin(words, Element::U32)
            }
            Store::Numbers { tensor, rounded } => {
                let stored = match tensor.dtype {
                    Dtype::F16 => Element::F16,
                    _ if *rounded || exact => Element::Bf16,
                    _ => Element::F32,
                };
                self.stored = Some(stored);
                sink.begin(tensor, stored)
            }
        }
    }

    /// Takes the next piece, read as [`Piece::reads`] says, and writes what becomes of it.
    ///
    /// # Errors
    /// [`ErrorKind::TensorValue`], and those of the sink.
    pub fn take(&mut self, parameter: &Parameter, piece: &Piece<'_>, bytes: &[u8], sink: &mut dyn Sink) -> Result<()> {
        piece.decode(bytes, &mut self.scratch, &mut self.values);
        match (&parameter.store, self.stored) {
            (Store::Coded { codec, .. }, _) => self.encode(piece, parameter.columns(), &**codec)?,
            (Store::Numbers { .. }, stored) => {
                let stored = stored.expect("the parameter has begun");
                if !self.values.par_chunks(TASK).map(|values| stored.holds(values)).reduce(|| true, |a, b| a & b) {
                    return Err(unheld(stored, piece, &self.values));
                }
                narrow(&self.values, stored, &mut self.bytes);
            }
        }
        sink.write(&self.bytes)
    }

    /// Ends a parameter: writes the scales, if it has any.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn end(&mut self, parameter: &Parameter, sink: &mut dyn Sink) -> Result<()> {
        let Store::Coded { scales, codec, .. } = &parameter.store else { return Ok(()) };
        let stored = match codec.scale() {
            Element::F32 if self.scales.iter().copied().all(is_bf16) => Element::Bf16,
            other => other,
        };
        sink.begin(scales, stored)?;
        for piece in self.scales.chunks(SCALES) {
            narrow(piece, stored, &mut self.bytes);
            sink.write(&self.bytes)?;
        }
        Ok(())
    }

    /// Encodes the rows in `values`: codes to `bytes`, scales to the end of `scales`.
    fn encode(&mut self, piece: &Piece<'_>, columns: usize, codec: &dyn Codec) -> Result<()> {
        let (words, scales) = codec.sizes(columns);
        let (rows, before) = (self.values.len() / columns, self.scales.len());
        self.words.resize(rows * words, 0);
        self.scales.resize(before + rows * scales, 0.0);
        // Codes have no limit, and scales are less than what they scale: only half precision is exceeded.
        let limit = if codec.scale() == Element::F16 { Element::F16 } else { Element::F32 };
        let held = self
            .values
            .par_chunks(columns)
            .zip(self.words.par_chunks_mut(words))
            .zip(self.scales[before..].par_chunks_mut(scales))
            .with_min_len(TASK.div_ceil(columns))
            .map(|((values, words), scales)| {
                let held = limit.holds(values);
                if held {
                    codec.encode(values, words, scales);
                }
                held
            })
            .reduce(|| true, |a, b| a & b);
        if !held {
            return Err(unheld(limit, piece, &self.values));
        }
        self.bytes.resize(self.words.len() * 4, 0);
        for (bytes, word) in self.bytes.as_chunks_mut().0.iter_mut().zip(&self.words) {
            *bytes = word.to_le_bytes();
        }
        Ok(())
    }
}

/// Puts numbers in `bytes`.
fn narrow(values: &[f32], stored: Element, bytes: &mut Vec<u8>) {
    let size = stored.bytes().expect("numbers have a size") as usize;
    bytes.resize(values.len() * size, 0);
    let tasks = bytes.par_chunks_mut(TASK * size).zip(values.par_chunks(TASK));
    tasks.for_each(|(bytes, values)| stored.narrow(values, bytes));
}

/// What is wrong with the first number of a piece that a type does not hold.
fn unheld(stored: Element, piece: &Piece<'_>, values: &[f32]) -> Error {
    let place = values.iter().position(|value| !stored.holds(&[*value])).expect("one was found in this piece");
    let value = values[place];
    let (dtype, advice) = match stored {
        Element::F16 => ("float16", "choose a quantization of single precision: q4f32_1 or q0f32"),
        Element::Bf16 => ("bfloat16", "let single precision be stored as it is"),
        _ => ("float32", ""),
    };
    let advice = if value.is_finite() { advice } else { "the checkpoint is damaged: download it again" };
    let (tensor, position) = piece.origin(place);
    ErrorKind::TensorValue { name: tensor.name.clone(), position, value, dtype, advice }.into()
}
