//! How the parameters of a package are made from the tensors of a checkpoint.
//!
//! A [`Parameter`] is rows of numbers. They come from one or more [`Part`]s, one after another, and are
//! [`Store`]d as numbers or in codes. A [`Piece`] is a few of these rows: it knows what to read, and how
//! the bytes become numbers. A [`Maker`] takes piece after piece and writes what becomes of them. Only a
//! piece is in memory at a time, and the scales of one parameter.
//!
//! [`Recipe::run`] reads the pieces from their sources. Whoever cannot wait there does the same with
//! [`Piece::reads`] and the methods of [`Maker`].

mod maker;
mod part;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use tegula_plan::{Dtype, Param};

use crate::{Element, ErrorKind, Result, Tensor};
pub use maker::Maker;
pub use part::{Part, Piece, Read};

/// How a storage format holds a row of numbers: as words of codes, and scales that say what they mean.
pub trait Codec: Send + Sync {
    /// Words and scales of a row of `columns` numbers.
    fn sizes(&self, columns: usize) -> (usize, usize);

    /// The type in which scales are stored. [`Element::F32`] may be stored as [`Element::Bf16`] where
    /// that holds all scales of a parameter.
    fn scale(&self) -> Element;

    /// Encodes a row of finite numbers, none greater than the type of the scales holds.
    fn encode(&self, row: &[f32], words: &mut [u32], scales: &mut [f32]);

    /// Restores a row from what [`Codec::encode`] made of it.
    fn decode(&self, words: &[u32], scales: &[f32], row: &mut [f32]);
}

/// Takes what a recipe makes, such as the shards of a package on disk.
pub trait Sink {
    /// Starts a tensor that is stored as `stored`. All of its bytes follow through [`Sink::write`]
    /// before the next one starts.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], or what else stops it.
    fn begin(&mut self, tensor: &Param, stored: Element) -> Result<()>;

    /// Takes the next bytes of the tensor that was started last.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], or what else stops it.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
}

/// How all parameters of a package are made, in the order of the package.
#[derive(Default)]
pub struct Recipe {
    /// The parameters.
    pub parameters: Vec<Parameter>,
}

/// How a parameter is made.
pub struct Parameter {
    /// What progress calls it.
    pub name: String,
    /// What its rows come from, one after another. All have rows of the same length, and together as
    /// many as the tensors that it is stored in.
    pub parts: Vec<Part>,
    /// How it is stored.
    pub store: Store,
}

/// How a parameter is stored.
pub enum Store {
    /// As numbers of the tensor's type.
    Numbers {
        /// The tensor.
        tensor: Param,
        /// Whether single precision is rounded to bfloat16 even where that loses bits. It is stored so
        /// without loss where bfloat16 holds all numbers of the parameter.
        rounded: bool,
    },
    /// In codes.
    Coded {
        /// The tensor of codes.
        words: Param,
        /// The tensor of scales.
        scales: Param,
        /// What makes them.
        codec: Arc<dyn Codec>,
    },
}

/// How far a recipe is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Bytes of the checkpoint that have been converted.
    pub done: u64,
    /// Bytes of the checkpoint that will be.
    pub total: u64,
    /// The parameter at hand, by its name in the package.
    pub tensor: &'a str,
}

impl Recipe {
    /// Bytes of the checkpoint that become the package.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parameters.iter().flat_map(|parameter| &parameter.parts).flat_map(Part::tensors).map(Tensor::bytes).sum()
    }

    /// Makes all parameters. `progress` is told after every piece, and may break off there.
    ///
    /// # Errors
    /// [`ErrorKind::TensorValue`] for a number that cannot be stored, [`ErrorKind::Io`],
    /// [`ErrorKind::Interrupted`], and those of the sink.
    pub fn run(&self, sink: &mut dyn Sink, progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>) -> Result<()> {
        let (mut done, total) = (0, self.bytes());
        let (mut maker, mut bytes) = (Maker::default(), Vec::new());
        for parameter in &self.parameters {
            let mut exact = true;
            for piece in parameter.undecided() {
                piece.read(&mut bytes)?;
                exact = maker.is_exact(&piece, &bytes);
                if !exact {
                    break;
                }
            }
            maker.begin(parameter, exact, sink)?;
            for piece in parameter.pieces() {
                piece.read(&mut bytes)?;
                maker.take(parameter, &piece, &bytes, sink)?;
                done += bytes.len() as u64;
                let step = Progress { done, total, tensor: &parameter.name };
                if progress(step).is_break() {
                    return Err(ErrorKind::Interrupted.into());
                }
            }
            maker.end(parameter, sink)?;
        }
        Ok(())
    }
}

impl Parameter {
    /// The pieces whose numbers decide how it is stored, so that they are read twice: the parameter is
    /// stored as bfloat16 if [`Maker::is_exact`] for all of them.
    pub fn undecided(&self) -> impl Iterator<Item = Piece<'_>> {
        let decides = matches!(&self.store, Store::Numbers { tensor, rounded: false } if tensor.dtype == Dtype::F32);
        self.pieces().filter(move |piece| decides && !piece.is_bf16())
    }

    /// Its rows, a few at a time.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        self.parts.iter().flat_map(|part| {
            let (all, rows) = (part.row_count(), Piece::rows_of(part));
            (0..all).step_by(rows as usize).map(move |first| Piece::new(part, first..all.min(first + rows)))
        })
    }

    /// Numbers in a row.
    pub(crate) fn columns(&self) -> usize {
        self.parts.first().map_or(1, Part::width) as usize
    }
}

/// The length of ranges.
fn length(ranges: &[Range<u64>]) -> usize {
    ranges.iter().map(|range| range.end - range.start).sum::<u64>() as usize
}
