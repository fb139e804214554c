//! Pieces of parameters: which ranges of which sources they come from, and how these become numbers.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Codec, length};
use crate::{Element, ErrorKind, Result, Source, Tensor};

/// Numbers of a piece, but at least a row: small beside what a process takes anyway, large beside the
/// cost of a system call.
const PIECE: u64 = 1 << 20;

/// Numbers that one task of the thread pool converts.
pub(super) const TASK: usize = 1 << 14;

/// What some rows of a parameter come from.
pub struct Part {
    kind: Kind,
    /// What is added to each number.
    plus: f32,
    /// Whether rows are divided by their length.
    unit: bool,
}

enum Kind {
    Rows(Tensor),
    Columns(Tensor),
    Coded { words: Tensor, scales: Tensor, columns: u64, codec: Arc<dyn Codec> },
}

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
    /// The rows of a tensor. A tensor of one dimension has a row for each number.
    ///
    /// # Errors
    /// [`ErrorKind::TensorType`] if it is no numbers.
    pub fn rows(tensor: &Tensor) -> Result<Part> {
        check(tensor, tensor.element.is_number())?;
        Ok(Part { kind: Kind::Rows(tensor.clone()), plus: 0.0, unit: false })
    }

    /// The columns of a matrix, each of which becomes a row.
    ///
    /// # Errors
    /// [`ErrorKind::TensorType`] if it is no numbers.
    pub fn columns(tensor: &Tensor) -> Result<Part> {
        check(tensor, tensor.element.is_number())?;
        Ok(Part { kind: Kind::Columns(tensor.clone()), plus: 0.0, unit: false })
    }

    /// Rows of `columns` numbers that are stored in codes.
    ///
    /// # Errors
    /// [`ErrorKind::TensorType`] and [`ErrorKind::TensorShape`] if the tensors are not what `codec` makes
    /// of such rows.
    pub fn coded(words: &Tensor, scales: &Tensor, columns: u64, codec: Arc<dyn Codec>) -> Result<Part> {
        check(words, words.element == Element::U32)?;
        check(scales, scales.element.is_number())?;
        let rows: Vec<u64> = words.shape.split_last().map_or_else(Vec::new, |(_, rows)| rows.into());
        let sizes = codec.sizes(columns as usize);
        for (tensor, width) in [(words, sizes.0), (scales, sizes.1)] {
            let expected = [&rows[..], &[width as u64]].concat();
            if tensor.shape != expected {
                return Err(ErrorKind::TensorShape { name: tensor.name.clone(), expected, found: tensor.shape.clone() }.into());
            }
        }
        Ok(Part { kind: Kind::Coded { words: words.clone(), scales: scales.clone(), columns, codec }, plus: 0.0, unit: false })
    }

    /// Adds a number to each of its numbers, such as one to gains that are stored as what exceeds one.
    #[must_use]
    pub fn plus(self, plus: f32) -> Part {
        Part { plus, ..self }
    }

    /// Divides each row by its length.
    #[must_use]
    pub fn unit_rows(self) -> Part {
        Part { unit: true, ..self }
    }

    /// The tensors that it is read from.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        let (first, second) = match &self.kind {
            Kind::Rows(tensor) | Kind::Columns(tensor) => (tensor, None),
            Kind::Coded { words, scales, .. } => (words, Some(scales)),
        };
        std::iter::once(first).chain(second)
    }

    /// How many rows it has.
    pub(super) fn row_count(&self) -> u64 {
        match &self.kind {
            Kind::Rows(tensor) => tensor.elements().checked_div(self.width()).unwrap_or(0),
            Kind::Columns(tensor) => tensor.shape.last().copied().unwrap_or(0),
            Kind::Coded { words, .. } => words.shape.iter().rev().skip(1).product(),
        }
    }

    /// Numbers in a row.
    pub(super) fn width(&self) -> u64 {
        match &self.kind {
            Kind::Rows(tensor) => {
                if let [_, .., last] = tensor.shape[..] {
                    last
                } else {
                    1
                }
            }
            Kind::Columns(tensor) => tensor.shape.iter().rev().skip(1).product(),
            Kind::Coded { columns, .. } => *columns,
        }
    }
}

impl<'a> Piece<'a> {
    pub(super) fn new(part: &'a Part, rows: Range<u64>) -> Piece<'a> {
        Piece { part, rows }
    }

    /// Rows of the pieces of a part.
    pub(super) fn rows_of(part: &Part) -> u64 {
        (PIECE / part.width().max(1)).max(1)
    }

    /// What to read for it. [`Maker::take`](super::Maker::take) wants the bytes of all ranges, one after
    /// another.
    #[must_use]
    pub fn reads(&self) -> Vec<Read<'a>> {
        let (Range { start, end }, columns) = (self.rows.clone(), self.part.width());
        let rows_of =
            |tensor: &'a Tensor, width: u64| Read { source: &tensor.source, ranges: vec![tensor.extent(start * width..end * width)] };
        match &self.part.kind {
            Kind::Rows(tensor) => vec![rows_of(tensor, columns)],
            Kind::Columns(tensor) => {
                let stride = self.part.row_count();
                if start == 0 && end == stride {
                    return vec![rows_of(tensor, columns)];
                }
                let ranges = (0..columns).map(|column| tensor.extent(column * stride + start..column * stride + end));
                vec![Read { source: &tensor.source, ranges: ranges.collect() }]
            }
            Kind::Coded { words, scales, .. } => [words, scales].map(|tensor| rows_of(tensor, width(tensor))).into(),
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
        let columns = self.part.width() as usize;
        values.resize(rows * columns, 0.0);
        match &self.part.kind {
            Kind::Rows(tensor) => widen(tensor.element, bytes, values),
            Kind::Columns(tensor) => {
                scratch.resize(values.len(), 0.0);
                widen(tensor.element, bytes, scratch);
                let tasks = values.par_chunks_mut(columns.max(1)).with_min_len(TASK.div_ceil(columns.max(1)));
                tasks.enumerate().for_each(|(row, values)| {
                    for (value, stored) in values.iter_mut().zip(scratch.chunks_exact(rows)) {
                        *value = stored[row];
                    }
                });
            }
            Kind::Coded { words, scales, codec, .. } => {
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
        if self.part.unit {
            values.par_chunks_mut(columns.max(1)).for_each(|row| {
                let square: f64 = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
                // A row of zeros stays one.
                let scale = square.sqrt().max(1e-12).recip() as f32;
                row.iter_mut().for_each(|x| *x *= scale);
            });
        }
        if self.part.plus != 0.0 {
            values.par_chunks_mut(TASK).for_each(|values| values.iter_mut().for_each(|value| *value += self.part.plus));
        }
    }

    /// The tensor, and the element of it, that number `place` of the piece comes from.
    pub(super) fn origin(&self, place: usize) -> (&'a Tensor, u64) {
        let columns = self.part.width();
        let (row, column) = (self.rows.start + place as u64 / columns, place as u64 % columns);
        match &self.part.kind {
            Kind::Columns(tensor) => (tensor, column * self.part.row_count() + row),
            Kind::Rows(tensor) | Kind::Coded { words: tensor, .. } => (tensor, row * columns + column),
        }
    }

    /// Whether bfloat16 holds all of its numbers because they are stored so.
    pub(super) fn is_bf16(&self) -> bool {
        self.part.plus == 0.0 && matches!(&self.part.kind, Kind::Rows(tensor) | Kind::Columns(tensor) if tensor.element == Element::Bf16)
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

/// Fails where a tensor is of another type than is wanted.
fn check(tensor: &Tensor, is_wanted: bool) -> Result<()> {
    if is_wanted { Ok(()) } else { Err(ErrorKind::TensorType { name: tensor.name.clone(), found: tensor.dtype.clone() }.into()) }
}
