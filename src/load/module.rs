//! A model library, and where it comes from.

use tegula_gpu::Origin;

/// The bytes of a model library, and where they come from. Bytes alone may come from anybody: their
/// kernels then run with every check (see [`Origin`]).
#[derive(Clone, Copy, Debug)]
pub struct Module<'a> {
    /// The library.
    pub bytes: &'a [u8],
    /// Who made it.
    pub origin: Origin,
}

impl<'a> From<&'a [u8]> for Module<'a> {
    fn from(bytes: &'a [u8]) -> Module<'a> {
        Module { bytes, origin: Origin::default() }
    }
}

impl<'a> From<&'a Vec<u8>> for Module<'a> {
    fn from(bytes: &'a Vec<u8>) -> Module<'a> {
        Module::from(bytes.as_slice())
    }
}
