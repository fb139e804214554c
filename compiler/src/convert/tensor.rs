//! Parameters on their way from checkpoint to shard, a piece of some million elements at a time.

use super::ConvertOptions;
use super::checkpoint::{Element, Tensor};
use super::shards::{Format, ShardWriter};
use crate::graph::GraphParam;
use crate::quant::q4;
use crate::{Error, ErrorKind};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;
use tegula_plan::Dtype;

/// Elements of a piece, but at least a row: small beside what a process takes anyway, large beside the cost of a system call.
const PIECE: usize = 1 << 20;

/// Elements that one task of the thread pool converts.
const TASK: usize = 1 << 14;

/// Converts parameters one after another into the shards of a package.
pub struct Converter<'a> {
    options: &'a ConvertOptions,
    shards: ShardWriter,
    /// A piece as it is in the checkpoint.
    source: Vec<u8>,
    /// The piece in single precision.
    values: Vec<f32>,
    /// The piece as it is in the package.
    stored: Vec<u8>,
    words: Vec<u32>,
    scales: Vec<f32>,
}

/// The numbers that a package can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    F16,
    Bf16,
    F32,
}

impl Stored {
    fn bytes(self) -> usize {
        if self == Stored::F32 { 4 } else { 2 }
    }

    /// The least magnitude that rounds to infinity.
    fn limit(self) -> f32 {
        match self {
            Stored::F16 => 65520.0,
            Stored::Bf16 => f32::from_bits(0x7f7f_8000),
            Stored::F32 => f32::INFINITY,
        }
    }

    /// Whether all numbers are finite, and still are as this type.
    fn holds(self, values: &[f32]) -> bool {
        // Without an early end, so that compilers use vector instructions.
        values.iter().fold(true, |all, value| all & (value.abs() < self.limit()))
    }

    /// What is wrong with the first of `values`, from element `first` of `tensor` on, that this type does not hold.
    fn error(self, tensor: &Tensor, first: u64, values: &[f32]) -> Error {
        let place = values.iter().position(|value| !self.holds(&[*value])).expect("one was found in this piece");
        let value = values[place];
        let (dtype, advice) = match self {
            Stored::F16 => ("float16", "choose a quantization of single precision: q4f32_1 or q0f32"),
            Stored::Bf16 => ("bfloat16", "let single precision be stored as it is"),
            Stored::F32 => ("float32", ""),
        };
        let advice = if value.is_finite() { advice } else { "the checkpoint is damaged: download it again" };
        let (name, position) = (tensor.name.clone(), first + place as u64);
        ErrorKind::TensorValue { name, position, value, dtype, advice }.into()
    }

    /// What the manifest says of it.
    fn format(self) -> Format {
        if self == Stored::F32 { Format::Raw } else { Format::Bf16 }
    }

    /// Rounds to the nearest numbers of this type, little-endian.
    fn write(self, values: &[f32], bytes: &mut [u8]) {
        match self {
            Stored::F32 => bytes.as_chunks_mut().0.iter_mut().zip(values).for_each(|(bytes, value)| *bytes = value.to_le_bytes()),
            Stored::Bf16 => {
                for (bytes, value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
                    *bytes = bf16::from_f32(*value).to_le_bytes();
                }
            }
            Stored::F16 => {
                // A piece at a time, for which the crate uses the processor's own instructions where it has them.
                let mut halves = [f16::ZERO; 256];
                for (values, bytes) in values.chunks(halves.len()).zip(bytes.chunks_mut(2 * halves.len())) {
                    let halves = &mut halves[..values.len()];
                    halves.convert_from_f32_slice(values);
                    bytes.as_chunks_mut().0.iter_mut().zip(halves).for_each(|(bytes, half)| *bytes = half.to_le_bytes());
                }
            }
        }
    }
}

fn is_bf16(value: f32) -> bool {
    value.to_bits() & 0xffff == 0
}

impl<'a> Converter<'a> {
    /// Writes to `shards`.
    pub fn new(options: &'a ConvertOptions, shards: ShardWriter) -> Self {
        let (source, values, stored, words, scales) = Default::default();
        Converter { options, shards, source, values, stored, words, scales }
    }

    /// Writes a parameter that is stacked from `sources`, and calls `advance` with bytes of the checkpoint as they are done.
    ///
    /// # Errors
    /// [`ErrorKind::TensorValue`], [`ErrorKind::Io`], and those of `advance`.
    pub fn convert(
        &mut self,
        param: &GraphParam,
        sources: &[&Tensor],
        advance: &mut dyn FnMut(u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let tensors = self.options.quantization.params_of(param);
        match tensors.as_slice() {
            [weight, scales] => {
                let columns = *param.shape.last().expect("a quantized parameter has columns") as usize;
                let precision = match scales.dtype {
                    Dtype::F16 => q4::Scale::F16,
                    _ if self.options.f32_as_bf16 => q4::Scale::Bf16,
                    _ => q4::Scale::F32,
                };
                self.shards.begin(weight, Format::Bf16)?;
                self.scales.clear();
                self.pieces(sources, columns, advance, |this, tensor, first| this.quantize(tensor, first, columns, precision))?;
                let all = std::mem::take(&mut self.scales);
                let stored = match precision {
                    q4::Scale::F16 => Stored::F16,
                    _ if all.iter().copied().all(is_bf16) => Stored::Bf16,
                    _ => Stored::F32,
                };
                self.shards.begin(scales, stored.format())?;
                for piece in all.chunks(PIECE) {
                    self.narrow(piece, stored);
                    self.shards.write(&self.stored)?;
                }
                self.scales = all;
                Ok(())
            }
            [tensor] => {
                let stored = match tensor.dtype {
                    Dtype::F16 => Stored::F16,
                    _ if self.options.f32_as_bf16 || self.is_bf16(sources)? => Stored::Bf16,
                    _ => Stored::F32,
                };
                self.shards.begin(tensor, stored.format())?;
                self.pieces(sources, 1, advance, |this, tensor, first| this.copy(tensor, first, stored))
            }
            _ => unreachable!("a quantized parameter is two tensors, any other one"),
        }
    }

    /// Writes the manifest: see [`ShardWriter::finish`].
    pub fn finish(self, parameters: u64) -> Result<(u64, usize), Error> {
        self.shards.finish(parameters)
    }

    /// Reads tensors in pieces of whole rows, calls `each` with the piece in `source` and its first element, and writes what that puts in
    /// `stored`.
    fn pieces(
        &mut self,
        sources: &[&Tensor],
        columns: usize,
        advance: &mut dyn FnMut(u64) -> Result<(), Error>,
        mut each: impl FnMut(&mut Self, &Tensor, u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let piece = (PIECE / columns).max(1) * columns;
        for tensor in sources {
            let mut reader = tensor.read()?;
            let mut first = 0;
            while first < tensor.elements() {
                let elements = (tensor.elements() - first).min(piece as u64) as usize;
                self.source.resize(elements * tensor.element.bytes(), 0);
                reader.fill(&mut self.source)?;
                self.values.resize(elements, 0.0);
                each(self, tensor, first)?;
                self.shards.write(&self.stored)?;
                first += elements as u64;
                advance(self.source.len() as u64)?;
            }
        }
        Ok(())
    }

    /// Whether bfloat16 holds every number of some tensors.
    fn is_bf16(&mut self, sources: &[&Tensor]) -> Result<bool, Error> {
        for tensor in sources.iter().filter(|tensor| tensor.element != Element::Bf16) {
            let mut reader = tensor.read()?;
            let mut left = tensor.elements();
            while left > 0 {
                let elements = left.min(PIECE as u64) as usize;
                self.source.resize(elements * tensor.element.bytes(), 0);
                reader.fill(&mut self.source)?;
                self.values.resize(elements, 0.0);
                tensor.element.widen(&self.source, &mut self.values);
                if !self.values.iter().copied().all(is_bf16) {
                    return Ok(false);
                }
                left -= elements as u64;
            }
        }
        Ok(true)
    }

    /// Quantizes the rows in `source`: codes to `stored`, scales to the end of `scales`.
    fn quantize(&mut self, tensor: &Tensor, first: u64, columns: usize, scale: q4::Scale) -> Result<(), Error> {
        let (groups, before) = (q4::groups(columns), self.scales.len());
        let rows = self.values.len() / columns;
        self.words.resize(rows * groups * q4::GROUP_WORDS, 0);
        self.scales.resize(before + rows * groups, 0.0);
        // Codes have no limit, and scales are a seventh: only half precision is exceeded.
        let limit = if scale == q4::Scale::F16 { Stored::F16 } else { Stored::F32 };
        let held = self
            .values
            .par_chunks_mut(columns)
            .zip(self.source.par_chunks(columns * tensor.element.bytes()))
            .zip(self.words.par_chunks_mut(groups * q4::GROUP_WORDS))
            .zip(self.scales[before..].par_chunks_mut(groups))
            .with_min_len(TASK.div_ceil(columns))
            .map(|(((values, source), words), scales)| {
                tensor.element.widen(source, values);
                let held = limit.holds(values);
                if held {
                    q4::quantize(values, scale, words, scales);
                }
                held
            })
            .reduce(|| true, |a, b| a & b);
        if !held {
            return Err(limit.error(tensor, first, &self.values));
        }
        self.stored.resize(self.words.len() * 4, 0);
        for (bytes, word) in self.stored.as_chunks_mut().0.iter_mut().zip(&self.words) {
            *bytes = word.to_le_bytes();
        }
        Ok(())
    }

    /// Rewrites the elements in `source` as another type.
    fn copy(&mut self, tensor: &Tensor, first: u64, stored: Stored) -> Result<(), Error> {
        let tasks = self.values.par_chunks_mut(TASK).zip(self.source.par_chunks(TASK * tensor.element.bytes()));
        let held = tasks.map(|(values, source)| {
            tensor.element.widen(source, values);
            stored.holds(values)
        });
        if !held.reduce(|| true, |a, b| a & b) {
            return Err(stored.error(tensor, first, &self.values));
        }
        let values = std::mem::take(&mut self.values);
        self.narrow(&values, stored);
        self.values = values;
        Ok(())
    }

    /// Puts numbers in `stored`.
    fn narrow(&mut self, values: &[f32], stored: Stored) {
        self.stored.resize(values.len() * stored.bytes(), 0);
        let tasks = self.stored.par_chunks_mut(TASK * stored.bytes()).zip(values.par_chunks(TASK));
        tasks.for_each(|(bytes, values)| stored.write(values, bytes));
    }
}
