//! Parameters as a plan holds them: which tensors the package must have, which of them lie in the vectors arena, and how tables that exceed
//! a binding are cut.

use crate::format::Storage;
use crate::graph::{Graph, ParamId};
use crate::quant::Quantization;
use crate::{Error, ErrorKind};
use tegula_plan::{Binding, MAX_BINDING, Param, Vector, VectorSource};

/// Rows of the parts of a table are a multiple of this, so that parts start where bindings may start.
const PART_ROWS: u64 = 256;

/// The largest matrix that is bound whole where it cannot be split, in bytes. Beyond [`MAX_BINDING`] a device must allow larger bindings than
/// the default, which the runtime checks before it allocates; beyond this no device does.
const MAX_WHOLE: u64 = u32::MAX as u64;

/// Parameters and vectors of a plan, and where those of the graph are among them.
pub(crate) struct Weights {
    /// [`tegula_plan::Plan::params`].
    pub params: Vec<Param>,
    /// [`tegula_plan::Plan::vectors`].
    pub vectors: Vec<Vector>,
    homes: Vec<Home>,
}

/// Where a parameter of the graph is.
enum Home {
    Matrix(Matrix),
    /// Offset in the vectors arena.
    Vector(u32),
}

/// A matrix of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    /// Name in the package.
    pub name: String,
    /// Output features, or entries of a table.
    pub n: u32,
    /// Input features, or width of a table.
    pub k: u32,
    /// How it is stored.
    pub format: Storage,
    /// Its tensors: the name that kernels bind each by, index in the plan, and bytes of a row.
    tensors: Vec<(&'static str, u32, u64)>,
}

/// Rows of a matrix that are bound together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The first.
    pub first: u32,
    /// How many.
    pub rows: u32,
    /// Each tensor's name in kernels, its index in the plan, and what is bound of it. The buffer of the binding is left open.
    pub tensors: Vec<(&'static str, u32, Binding)>,
}

impl Weights {
    pub(crate) fn new(graph: &Graph, quantization: Quantization) -> Result<Weights, Error> {
        let mut weights = Weights { params: Vec::new(), vectors: Vec::new(), homes: Vec::new() };
        for param in &graph.params {
            let first = weights.params.len() as u32;
            let tensors = quantization.params_of(param);
            let home = match param.shape[..] {
                [n, k] => {
                    let format = quantization.format(param);
                    let named = format.bindings().iter().zip(first..).zip(&tensors);
                    let numbered = named.map(|((name, index), tensor)| (*name, index, tensor.bytes() / n)).collect();
                    Home::Matrix(Matrix { name: param.name.clone(), n: n as u32, k: k as u32, format, tensors: numbered })
                }
                _ => Home::Vector(weights.vector(tensors[0].elements() as u32, VectorSource::Param(first))?),
            };
            weights.params.extend(tensors);
            weights.homes.push(home);
        }
        Ok(weights)
    }

    /// Adds values to the vectors arena; their offset.
    pub(crate) fn values(&mut self, values: &[f32]) -> Result<u32, Error> {
        self.vector(values.len() as u32, VectorSource::Values(values.to_vec()))
    }

    fn vector(&mut self, length: u32, source: VectorSource) -> Result<u32, Error> {
        let offset = self.vectors.last().map_or(0, |last| (last.offset + last.length).next_multiple_of(4));
        let bytes = 4 * (u64::from(offset) + u64::from(length));
        if bytes > MAX_BINDING {
            return Err(ErrorKind::TensorTooLarge { tensor: "all gains and biases".into(), bytes, limit: MAX_BINDING }.into());
        }
        self.vectors.push(Vector { offset, length, source });
        Ok(offset)
    }

    /// A matrix of the graph.
    pub(crate) fn matrix(&self, id: ParamId) -> &Matrix {
        match &self.homes[id.0] {
            Home::Matrix(matrix) => matrix,
            Home::Vector(_) => unreachable!("linear layers and embeddings have parameters of two dimensions"),
        }
    }

    /// Offset of a gain or bias in the vectors arena, in elements.
    pub(crate) fn offset(&self, id: ParamId) -> u32 {
        match self.homes[id.0] {
            Home::Vector(offset) => offset,
            Home::Matrix(_) => unreachable!("gains and biases have one dimension"),
        }
    }
}

impl Matrix {
    /// The whole of it.
    ///
    /// # Errors
    /// [`ErrorKind::TensorTooLarge`] where no device could bind it.
    pub(crate) fn whole(&self) -> Result<Part, Error> {
        match self.larger_than(MAX_WHOLE) {
            Some(error) => Err(error),
            None => Ok(Part { first: 0, rows: self.n, tensors: self.bind(0, self.n.into()) }),
        }
    }

    /// As few parts as bindings allow, of nearly the same size.
    ///
    /// # Errors
    /// [`ErrorKind::TensorTooLarge`] where the fewest rows that a part may have exceed a binding.
    pub(crate) fn parts(&self) -> Result<Vec<Part>, Error> {
        let Some(error) = self.larger_than(MAX_BINDING) else { return Ok(vec![self.whole()?]) };
        let most = MAX_BINDING / self.row_bytes() / PART_ROWS * PART_ROWS;
        if most == 0 {
            return Err(error);
        }
        let n = u64::from(self.n);
        let rows = n.div_ceil(n.div_ceil(most)).next_multiple_of(PART_ROWS);
        let part = |first: u64| {
            let rows = rows.min(n - first);
            Part { first: first as u32, rows: rows as u32, tensors: self.bind(first, rows) }
        };
        Ok((0..n).step_by(rows as usize).map(part).collect())
    }

    /// Bytes of a row of the larger tensor.
    fn row_bytes(&self) -> u64 {
        self.tensors.iter().map(|&(_, _, row)| row).max().unwrap_or(0)
    }

    fn larger_than(&self, limit: u64) -> Option<Error> {
        let bytes = self.row_bytes().saturating_mul(self.n.into());
        (bytes > limit).then(|| ErrorKind::TensorTooLarge { tensor: self.name.clone(), bytes, limit }.into())
    }

    fn bind(&self, first: u64, rows: u64) -> Vec<(&'static str, u32, Binding)> {
        // The last part is open at its end: half-precision scales need not end on a whole word, but the padded buffer does.
        let size = |row: u64| if first + rows == u64::from(self.n) { 0 } else { rows * row };
        self.tensors.iter().map(|&(name, index, row)| (name, index, Binding { buffer: 0, offset: first * row, size: size(row) })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GraphParam;

    fn matrix(n: u64, k: u64, quantization: &str) -> Matrix {
        let mut graph = crate::model::tests::tiny("llama");
        graph.params = vec![GraphParam {
            name: "table.weight".into(),
            sources: Vec::new(),
            apart: Vec::new(),
            shape: vec![n, k],
            quantize: true,
            change: Default::default(),
        }];
        Weights::new(&graph, Quantization::parse(quantization).unwrap()).unwrap().matrix(ParamId(0)).clone()
    }

    #[test]
    fn a_table_is_cut_only_beyond_a_binding() {
        // 128 MiB to the byte.
        assert_eq!(matrix(65_536, 4096, "q4f16_1").parts().unwrap().len(), 1);
        let parts = matrix(65_537, 4096, "q4f16_1").parts().unwrap();
        assert_eq!(parts.iter().map(|part| (part.first, part.rows)).collect::<Vec<_>>(), [(0, 33_024), (33_024, 32_513)]);
    }

    #[test]
    fn parts_cover_the_table_and_start_where_bindings_may() {
        for (n, k, quantization) in
            [(128_256, 4096, "q4f16_1"), (151_936, 5120, "q4f32_1"), (262_145, 172, "q0f16"), (128_256, 8192, "q0f32")]
        {
            let matrix = matrix(n, k, quantization);
            let parts = matrix.parts().unwrap();
            let mut next = 0;
            for part in &parts {
                assert_eq!(part.first, next);
                next += part.rows;
                for (&(_, _, binding), &(_, _, row)) in part.tensors.iter().zip(&matrix.tensors) {
                    assert_eq!(binding.offset, u64::from(part.first) * row);
                    assert!(binding.offset.is_multiple_of(256) && u64::from(part.rows) * row <= MAX_BINDING);
                    let last = u64::from(next) == n;
                    assert_eq!(binding.size, if last { 0 } else { u64::from(part.rows) * row });
                }
            }
            assert_eq!(u64::from(next), n);
        }
    }

    #[test]
    fn what_cannot_be_cut_is_refused_by_name() {
        assert!(matrix(65_537, 4096, "q4f16_1").whole().is_ok(), "larger than the default binding, but devices allow it");
        let error = matrix(1 << 21, 4096, "q4f16_1").whole().unwrap_err().to_string();
        assert!(error.contains("`table.weight` takes 4294967296 bytes") && error.contains("4294967295"), "{error}");
        assert!(matrix(256, 1 << 20, "q0f32").parts().is_err());
    }
}
