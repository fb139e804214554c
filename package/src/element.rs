//! Types of elements, as packages and checkpoints store them.

/// How the elements of a stored tensor are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 32-bit words.
    U32,
    /// Half precision.
    F16,
    /// The upper halves of single precision.
    Bf16,
    /// Single precision.
    F32,
    /// Something that nothing here reads.
    Other,
}

impl Element {
    /// Bytes of an element, if known.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        match self {
            Element::U32 | Element::F32 => Some(4),
            Element::F16 | Element::Bf16 => Some(2),
            Element::Other => None,
        }
    }

    /// Whether it is a floating-point number that fits single precision.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Element::F16 | Element::Bf16 | Element::F32)
    }
}
