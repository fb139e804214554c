//! A model library, and how its kernels are to run.

use tegula_gpu::Origin;
use tegula_plan::Precision;

/// The bytes of a model library, where they come from, and how exact answers are to be. Bytes alone may
/// come from anybody: their kernels then run with every check (see [`Origin`]).
#[derive(Clone, Copy, Debug)]
pub struct Module<'a> {
    /// The library.
    pub bytes: &'a [u8],
    /// Who made it.
    pub origin: Origin,
    /// What arithmetic it may use.
    pub precision: Precision,
}

impl Module<'_> {
    /// The same library, with arithmetic of this precision.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Module { precision, ..self }
    }
}

impl<'a> From<&'a [u8]> for Module<'a> {
    fn from(bytes: &'a [u8]) -> Module<'a> {
        Module { bytes, origin: Origin::default(), precision: Precision::default() }
    }
}

impl<'a> From<&'a Vec<u8>> for Module<'a> {
    fn from(bytes: &'a Vec<u8>) -> Module<'a> {
        Module::from(bytes.as_slice())
    }
}
