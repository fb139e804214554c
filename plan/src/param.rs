//! Parameters: the tensors that a model library expects to find in a weight package.

use serde::{Deserialize, Serialize};

/// How a tensor's elements are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Dtype {
    /// Packed words, such as eight 4-bit weights.
    #[serde(rename = "uint32")]
    U32,
    /// IEEE half precision.
    #[serde(rename = "float16")]
    F16,
    /// IEEE single precision. A package may hold it rounded to bfloat16 (format `f32-to-bf16`) or whole (format `raw`).
    #[serde(rename = "float32")]
    F32,
}

impl Dtype {
    /// Bytes an element takes on the GPU.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Dtype::U32 | Dtype::F32 => 4,
            Dtype::F16 => 2,
        }
    }

    /// The name that MLC packages use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Dtype::U32 => "uint32",
            Dtype::F16 => "float16",
            Dtype::F32 => "float32",
        }
    }
}

/// A tensor that the library reads, by the name it has in the package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Param {
    /// Name in `tensor-cache.json`, such as `model.layers.0.mlp.down_proj.q_weight`.
    pub name: String,
    /// Row-major shape.
    pub shape: Vec<u64>,
    /// Element type.
    pub dtype: Dtype,
    /// The tensors of the package whose rows make it up, one after another, where it is not one of its own name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<Piece>,
}

/// Rows of a [`Param`] that are a tensor of the package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Its name there.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
}

impl Param {
    /// A parameter that is a tensor of the package.
    #[must_use]
    pub fn whole(name: String, shape: Vec<u64>, dtype: Dtype) -> Param {
        Param { name, shape, dtype, pieces: Vec::new() }
    }

    /// The tensors of the package that it is made of, each with its first row.
    pub fn tensors(&self) -> impl Iterator<Item = (u64, Param)> + '_ {
        let rows = self.shape.first().copied().unwrap_or(1);
        let itself = self.pieces.is_empty().then(|| Piece { name: self.name.clone(), rows });
        let pieces = itself.into_iter().chain(self.pieces.iter().cloned());
        let rest = self.shape.get(1..).unwrap_or_default();
        pieces.scan(0, move |first, Piece { name, rows }| {
            let from = *first;
            *first += rows;
            let shape = if self.pieces.is_empty() { self.shape.clone() } else { [&[rows], rest].concat() };
            Some((from, Param::whole(name, shape, self.dtype)))
        })
    }

    /// Number of elements.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Bytes on the GPU, before padding to whole words.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.elements() * self.dtype.bytes()
    }
}
