//! The tensors of a model, wherever they are stored. Their headers are in memory, their numbers are not.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::{Element, ErrorKind, Result, Source, file};

/// Elements that are compared at a time.
const PIECE: u64 = 1 << 18;

/// Where checkpoints of models that see or hear have what those of text models have in `model`.
const TEXT_MODELS: [&str; 3] = ["model.language_model", "language_model.model", "model.text_model"];

/// Tensors by name.
#[derive(Default)]
pub struct Checkpoint {
    sources: Vec<Arc<dyn Source>>,
    tensors: BTreeMap<String, Tensor>,
}

/// A tensor: what it is, and where.
#[derive(Clone)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Row-major shape.
    pub shape: Vec<u64>,
    /// Element type.
    pub element: Element,
    /// The element type as its file spells it.
    pub dtype: String,
    /// What has its bytes.
    pub source: Arc<dyn Source>,
    /// First byte in the source.
    pub offset: u64,
}

impl Checkpoint {
    /// Adds a source and the tensors in it.
    ///
    /// # Errors
    /// [`ErrorKind::Checkpoint`] for a tensor that another source has too.
    pub fn add(&mut self, source: Arc<dyn Source>, tensors: impl IntoIterator<Item = Tensor>) -> Result<()> {
        for tensor in tensors {
            let name = tensor.name.clone();
            if self.tensors.insert(name.clone(), tensor).is_some() {
                return Err(file::damaged(source.path(), format!("tensor `{name}` is in another file too")));
            }
        }
        self.sources.push(source);
        Ok(())
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The tensor of this name, whatever it is. Hugging Face's class of a whole model puts a module around the layers (`model.`,
    /// `transformer.`). Checkpoints of the layers alone have names without it, so the name is also looked for without its first part. Models
    /// that see or hear, too, have their text model in a module of its own.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        let of = |name: &str| self.tensors.get(name);
        of(name).or_else(|| match name.split_once('.') {
            Some(("transformer", rest)) => of(rest),
            Some(("model", rest)) => of(rest).or_else(|| TEXT_MODELS.iter().find_map(|path| of(&format!("{path}.{rest}")))),
            _ => of(&format!("language_model.{name}")),
        })
    }

    /// Finds a tensor of a given shape whose elements are numbers.
    ///
    /// # Errors
    /// [`ErrorKind::MissingTensor`] with the files searched, [`ErrorKind::TensorShape`] with both
    /// shapes, [`ErrorKind::TensorType`].
    pub fn tensor(&self, name: &str, shape: &[u64]) -> Result<&Tensor> {
        let Some(tensor) = self.get(name) else {
            let names = self.sources.iter().filter_map(|source| source.path().file_name());
            let searched = names.map(|name| name.to_string_lossy()).collect::<Vec<_>>().join(", ");
            return Err(ErrorKind::MissingTensor { name: name.into(), expected: shape.into(), searched }.into());
        };
        if tensor.shape != shape {
            let (expected, found) = (shape.into(), tensor.shape.clone());
            return Err(ErrorKind::TensorShape { name: name.into(), expected, found }.into());
        }
        if !tensor.element.is_number() {
            return Err(ErrorKind::TensorType { name: name.into(), found: tensor.dtype.clone() }.into());
        }
        Ok(tensor)
    }
}

impl Tensor {
    /// Some of its rows, as a tensor.
    #[must_use]
    pub fn rows(&self, rows: Range<u64>) -> Tensor {
        let Some((count, rest)) = self.shape.split_first().filter(|(count, _)| rows != (0..**count)) else { return self.clone() };
        debug_assert!(rows.end <= *count, "rows {rows:?} of {count}");
        let width: u64 = rest.iter().product();
        let offset = self.extent(rows.start * width..rows.end * width).start;
        Tensor { shape: [&[rows.end - rows.start], rest].concat(), offset, ..self.clone() }
    }

    /// Number of elements.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Where some of its elements are in its source.
    ///
    /// # Panics
    /// If the size of its elements is not known.
    #[must_use]
    pub fn extent(&self, elements: Range<u64>) -> Range<u64> {
        let size = self.element.bytes().expect("the element type of a tensor that is read is known");
        self.offset + elements.start * size..self.offset + elements.end * size
    }

    /// Bytes in its source.
    ///
    /// # Panics
    /// As [`Tensor::extent`].
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let extent = self.extent(0..self.elements());
        extent.end - extent.start
    }

    /// Whether it has the same numbers as another, of whatever types the two are.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn equals(&self, other: &Tensor) -> Result<bool> {
        if self.shape != other.shape || ![self, other].iter().all(|tensor| tensor.element.is_number()) {
            return Ok(false);
        }
        let (mut bytes, mut values) = (Vec::new(), [Vec::new(), Vec::new()]);
        let elements = self.elements();
        for first in (0..elements).step_by(PIECE as usize) {
            let piece = first..elements.min(first + PIECE);
            for (tensor, values) in [self, other].into_iter().zip(&mut values) {
                let extent = tensor.extent(piece.clone());
                bytes.resize((extent.end - extent.start) as usize, 0);
                tensor.source.read(&[extent], &mut bytes)?;
                values.resize((piece.end - piece.start) as usize, 0.0);
                tensor.element.widen(&bytes, values);
            }
            let [one, two] = &values;
            if one.iter().zip(two).any(|(one, two)| one.to_bits() != two.to_bits()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
