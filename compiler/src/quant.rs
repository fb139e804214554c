//! Quantizations: how a package stores the parameters of a model.
//!
//! A graph knows parameters by name and shape only. A [`Quantization`] says which tensors of which type hold each of them in a package, under
//! the names that MLC's packages use; [`crate::format`](mod@crate::format) has the arithmetic. The registry is [`Quantization::ALL`].

use crate::format::{F16, F32, Q4F16, Q4F32, Storage};
use crate::graph::GraphParam;
use crate::{Error, ErrorKind};
use std::fmt;
use tegula_plan::{Dtype, Param, Piece};

/// A way to store parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantization {
    name: &'static str,
    model_dtype: Dtype,
    /// How weights are stored.
    weights: Storage,
}

impl Quantization {
    /// Four bits and half-precision scales: what most packages are.
    pub const Q4F16_1: Quantization = Quantization { name: "q4f16_1", model_dtype: Dtype::F16, weights: Q4F16 };

    /// Every known quantization.
    pub const ALL: [Quantization; 4] = [
        Self::Q4F16_1,
        Quantization { name: "q4f32_1", model_dtype: Dtype::F32, weights: Q4F32 },
        Quantization { name: "q0f16", model_dtype: Dtype::F16, weights: F16 },
        Quantization { name: "q0f32", model_dtype: Dtype::F32, weights: F32 },
    ];

    /// One that no package has.
    #[cfg(test)]
    pub(crate) const fn of(name: &'static str, model_dtype: Dtype, weights: Storage) -> Quantization {
        Quantization { name, model_dtype, weights }
    }

    /// Finds a quantization by its name, such as `q4f16_1`.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownQuantization`], which lists the known ones.
    pub fn parse(name: &str) -> Result<Quantization, Error> {
        Self::ALL.into_iter().find(|known| known.name == name).ok_or_else(|| {
            let known = Self::ALL.map(|known| known.name).join(", ");
            ErrorKind::UnknownQuantization { name: name.into(), known }.into()
        })
    }

    /// Its name in packages and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Element type of the scales and of whatever is not quantized; also of the KV cache.
    #[must_use]
    pub fn model_dtype(self) -> Dtype {
        self.model_dtype
    }

    /// Whether its weights can be multiplied with activations in int8.
    #[must_use]
    pub fn takes_int8(self) -> bool {
        self.weights.takes_int8()
    }

    /// How a parameter is stored. Norm gains and biases are never quantized.
    #[must_use]
    pub fn format(self, param: &GraphParam) -> Storage {
        if param.quantize { self.weights } else { Storage::float(self.model_dtype) }
    }

    /// The tensors of a package that hold a parameter, in the order in which they are stored.
    #[must_use]
    pub fn params_of(self, param: &GraphParam) -> Vec<Param> {
        let format = self.format(param);
        let mut params = format.tensors(&param.name, &param.shape);
        for (name, rows) in &param.apart {
            let pieces = format.tensors(name, &[&[*rows], &param.shape[1..]].concat());
            params.iter_mut().zip(pieces).for_each(|(param, piece)| param.pieces.push(Piece { name: piece.name, rows: *rows }));
        }
        params
    }
}

impl fmt::Display for Quantization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(name: &str, shape: &[u64], quantize: bool) -> GraphParam {
        GraphParam { name: name.into(), sources: Vec::new(), apart: Vec::new(), shape: shape.into(), quantize, change: Default::default() }
    }

    fn described(quantization: &str, param: &GraphParam) -> Vec<String> {
        let quantization = Quantization::parse(quantization).unwrap();
        quantization.params_of(param).iter().map(|param| format!("{} {:?} {}", param.name, param.shape, param.dtype.name())).collect()
    }

    #[test]
    fn names_and_shapes_are_those_of_packages() {
        let down = param("model.layers.0.mlp.down_proj.weight", &[1536, 8960], true);
        assert_eq!(
            described("q4f16_1", &down),
            ["model.layers.0.mlp.down_proj.q_weight [1536, 1120] uint32", "model.layers.0.mlp.down_proj.q_scale [1536, 280] float16"]
        );
        assert_eq!(described("q0f32", &down), ["model.layers.0.mlp.down_proj.weight [1536, 8960] float32"]);
        let ragged = param("down_proj.weight", &[64, 172], true);
        assert_eq!(described("q4f32_1", &ragged), ["down_proj.q_weight [64, 24] uint32", "down_proj.q_scale [64, 6] float32"]);
        let bias = param("model.layers.0.self_attn.c_attn.bias", &[2048], false);
        assert_eq!(described("q4f16_1", &bias), ["model.layers.0.self_attn.c_attn.bias [2048] float16"]);
    }

    #[test]
    fn an_unknown_quantization_is_answered_with_the_known_ones() {
        let error = Quantization::parse("q3f16_1").unwrap_err().to_string();
        assert!(error.contains("q3f16_1") && error.contains("q4f16_1, q4f32_1, q0f16, q0f32"), "{error}");
    }
}
