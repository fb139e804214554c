//! Storage formats of weight matrices: everything about one format in one place.
//!
//! A module here says how rows lie in a package, which WGSL modules read them, which schedules they allow, and what they mean on the CPU.
//! The rest of the compiler sees [`Storage`] only. To add a format: its module, its WGSL module under `wgsl/quant/`, and the quantizations
//! that use it (`crate::quant`).

mod float;
pub mod q4;
#[cfg(test)]
pub(crate) mod toy;

use crate::operand::Operands;
use crate::operand::Random;
use crate::schedule::Build;
pub use float::{F16, F32};
pub use q4::{Q4F16, Q4F32};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use tegula_package::Codec;
use tegula_plan::{Dtype, Param};

/// How a weight matrix `[n, k]` is stored.
pub trait Format: fmt::Debug + Send + Sync {
    /// Its word in search keys, such as `q4f16`. No two formats share one.
    fn name(&self) -> &'static str;

    /// The tensors of a package that hold the parameter `name` of a shape `[n, k]`, in the order in which they are stored and bound.
    fn tensors(&self, name: &str, shape: &[u64]) -> Vec<Param>;

    /// What makes its codes of numbers, where it is not numbers itself. `rounded` says that single
    /// precision is rounded to bfloat16 in the package.
    fn codec(&self, _rounded: bool) -> Option<Arc<dyn Codec>> {
        None
    }

    /// The names that kernels bind these tensors by.
    fn bindings(&self) -> &'static [&'static str] {
        &["weights"]
    }

    /// Sets what reads it in a template: the slot `quant/q4f16`, and those of main loops that differ by format.
    fn build(&self, build: &mut Build<'_>);

    /// Bytes of a row of `k` elements.
    fn row_bytes(&self, k: u32) -> u64;

    /// Pieces of a row that invocations of a mat-vec take in turn.
    fn pieces(&self, k: u32) -> u32;

    /// Whether main loops in half precision exist for it.
    fn has_half(&self) -> bool {
        false
    }

    /// Whether it can be multiplied with activations in int8.
    fn takes_int8(&self) -> bool {
        false
    }

    /// Random weights under the names that kernels bind them by.
    fn operands(&self, random: &mut Random, n: usize, k: usize) -> Vec<(&'static str, Vec<u32>)>;

    /// The elements of row `row` of the matrix that `operands` hold.
    fn row(&self, operands: &Operands, row: usize, k: usize) -> Vec<f64>;
}

/// A [`Format`] of any kind.
#[derive(Clone, Copy)]
pub struct Storage(pub &'static dyn Format);

impl Storage {
    /// Half precision where `dtype` is that, else single precision.
    #[must_use]
    pub fn float(dtype: Dtype) -> Storage {
        if dtype == Dtype::F16 { F16 } else { F32 }
    }
}

impl Deref for Storage {
    type Target = dyn Format;

    fn deref(&self) -> &(dyn Format + 'static) {
        self.0
    }
}

impl PartialEq for Storage {
    fn eq(&self, other: &Storage) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for Storage {}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// The parameter itself, as one tensor.
pub(crate) fn whole(name: &str, shape: &[u64], dtype: Dtype) -> Vec<Param> {
    vec![Param::whole(name.into(), shape.into(), dtype)]
}
