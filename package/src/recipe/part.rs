//! Pieces of parameters: which ranges of which sources they come from, and how these become numbers.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Part, length};
use crate::{Element, Result, Source, Tensor};

/// Numbers of a piece, but at least a row: small beside what a process takes anyway, large beside the
/// cost of a system call.
const PIECE: u64 = 1 << 20;

/// Numbers that one task of the thread pool converts.
pub(super) const TASK: usize = 1 << 14;

/// Some rows of a [`Part`].
pub struct Piece<'a> {
    part: &'a Part,
    rows: Range<u64>,
}

/// What to read of a source.
pub struct Read<'a> {
    /// The source.
    pub source: &'a Arc<dyn Source>,
    /// The ranges, in the order in which their bytes are wanted.
    pub ranges: Vec<Range<u64>>,
}

impl Part {
    /// The tensors that it is read from.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        let (first, second) = match self {
            Part::Rows(tensor) | Part::Raised(tensor) | Part::Columns(tensor) => (tensor, None),
            Part::Coded { words, scales, .. } => (words, Some(scales)),
        };
        std::iter::once(first).chain(second)
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> u64 {
        match self {
            Part::Rows(tensor) | Part::Raised(tensor) => tensor.elements().checked_div(self.columns()).unwrap_or(0),
            Part::Columns(tensor) => tensor.shape.last().copied().unwrap_or(0),
            Part::Coded { words, .. } => words.shape.iter().rev().skip(1).product(),
        }
    }

    /// Numbers in a row.
    pub(super) fn columns(&self) -> u64 {
        match self {
            Part::Rows(tensor) | Part::Raised(tensor) => {
                if let [_, .., last] = tensor.shape[..] {
                    last
                } else {
                    1
                }
            }
            Part::Columns(tensor) => tensor.shape.iter().rev().skip(1).product(),
            Part::Coded { columns, .. } => *columns,
        }
    }
}

impl<'a> Piece<'a> {
    pub(super) fn new(part: &'a Part, rows: Range<u64>) -> Piece<'a> {
        Piece { part, rows }
    }

    /// Rows of the pieces of a part.
    pub(super) fn rows_of(part: &Part) -> u64 {
        (PIECE / part.columns().max(1)).max(1)
    }

    /// What to read for it. [`Maker::take`](super::Maker::take) wants the bytes of all ranges, one after
    /// another.
    #[must_use]
    pub fn reads(&self) -> Vec<Read<'a>> {
        let (Range { start, end }, columns) = (self.rows.clone(), self.part.columns());
        let rows_of =
            |tensor: &'a Tensor, width: u64| Read { source: &tensor.source, ranges: vec![tensor.extent(start * width..end * width)] };
        match self.part {
            Part::Rows(tensor) | Part::Raised(tensor) => vec![rows_of(tensor, columns)],
            Part::Columns(tensor) => {
                let stride = self.part.rows();
                if start == 0 && end == stride {
                    return vec![rows_of(tensor, columns)];
                }
                let ranges = (0..columns).map(|column| tensor.extent(column * stride + start..column * stride + end));
                vec![Read { source: &tensor.source, ranges: ranges.collect() }]
            }
            Part::Coded { words, scales, .. } => [words, scales].map(|tensor| rows_of(tensor, width(tensor))).into(),
        }
    }

    /// Reads it.
    pub(super) fn read(&self, bytes: &mut Vec<u8>) -> Result<()> {
        let reads = self.reads();
        bytes.resize(reads.iter().map(|read| length(&read.ranges)).sum(), 0);
        let mut rest = &mut bytes[..];
        for Read { source, ranges } in reads {
            let (into, left) = rest.split_at_mut(length(&ranges));
            source.read(&ranges, into)?;
            rest = left;
        }
        Ok(())
    }

    /// Its numbers, row by row. `scratch` is for numbers on the way.
    pub(super) fn decode(&self, bytes: &[u8], scratch: &mut Vec<f32>, values: &mut Vec<f32>) {
        let rows = (self.rows.end - self.rows.start) as usize;
        let columns = self.part.columns() as usize;
        values.resize(rows * columns, 0.0);
        match self.part {
            Part::Rows(tensor) => widen(tensor.element, bytes, values),
            Part::Raised(tensor) => {
                widen(tensor.element, bytes, values);
                values.iter_mut().for_each(|value| *value += 1.0);
            }
            Part::Columns(tensor) => {
                scratch.resize(values.len(), 0.0);
                widen(tensor.element, bytes, scratch);
                let tasks = values.par_chunks_mut(columns.max(1)).with_min_len(TASK.div_ceil(columns.max(1)));
                tasks.enumerate().for_each(|(row, values)| {
                    for (value, stored) in values.iter_mut().zip(scratch.chunks_exact(rows)) {
                        *value = stored[row];
                    }
                });
            }
            Part::Coded { words, scales, codec, .. } => {
                let (words_width, scales_width) = (width(words) as usize, width(scales) as usize);
                let (words, coded) = bytes.split_at(rows * words_width * 4);
                scratch.resize(rows * scales_width, 0.0);
                widen(scales.element, coded, scratch);
                let tasks = values.par_chunks_mut(columns).zip(words.par_chunks(words_width * 4)).zip(scratch.par_chunks(scales_width));
                tasks.for_each(|((row, bytes), scales)| {
                    let words: Vec<u32> = bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
                    codec.decode(&words, scales, row);
                });
            }
        }
    }

    /// The tensor, and the element of it, that number `place` of the piece comes from.
    pub(super) fn origin(&self, place: usize) -> (&'a Tensor, u64) {
        let columns = self.part.columns();
        let (row, column) = (self.rows.start + place as u64 / columns, place as u64 % columns);
        match self.part {
            Part::Columns(tensor) => (tensor, column * self.part.rows() + row),
            Part::Rows(tensor) | Part::Raised(tensor) | Part::Coded { words: tensor, .. } => (tensor, row * columns + column),
        }
    }

    /// Whether bfloat16 holds all of its numbers because they are stored so.
    pub(super) fn is_bf16(&self) -> bool {
        matches!(self.part, Part::Rows(tensor) | Part::Columns(tensor) if tensor.element == Element::Bf16)
    }
}

/// The last dimension.
fn width(tensor: &Tensor) -> u64 {
    tensor.shape.last().copied().unwrap_or(1)
}

fn widen(element: Element, bytes: &[u8], values: &mut [f32]) {
    let size = element.bytes().expect("numbers have a size") as usize;
    let tasks = values.par_chunks_mut(TASK).zip(bytes.par_chunks(TASK * size));
    tasks.for_each(|(values, bytes)| element.widen(bytes, values));
}
