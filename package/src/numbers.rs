//! Floating-point numbers between single precision, in which they are worked on, and the types in
//! which they are stored.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use crate::Element;

/// Numbers that are converted at a time, for which the crate `half` uses the processor's own
/// instructions where it has them.
const HALVES: usize = 256;

impl Element {
    /// Reads little-endian elements as single precision, which holds all of them exactly.
    ///
    /// # Panics
    /// If it is no number.
    pub fn widen(self, bytes: &[u8], values: &mut [f32]) {
        match self {
            Element::F32 => {
                for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                    *value = f32::from_le_bytes(*bytes);
                }
            }
            Element::Bf16 => {
                for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                    *value = f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
                }
            }
            Element::F16 => {
                let mut halves = [f16::ZERO; HALVES];
                for (values, bytes) in values.chunks_mut(HALVES).zip(bytes.chunks(2 * HALVES)) {
                    let halves = &mut halves[..values.len()];
                    for (half, bytes) in halves.iter_mut().zip(bytes.as_chunks().0) {
                        *half = f16::from_le_bytes(*bytes);
                    }
                    halves.convert_to_f32_slice(values);
                }
            }
            Element::U32 | Element::Other => unreachable!("tensors that are no numbers are refused when they are looked up"),
        }
    }

    /// Rounds to the nearest numbers of this type, little-endian.
    ///
    /// # Panics
    /// If it is no number.
    pub fn narrow(self, values: &[f32], bytes: &mut [u8]) {
        match self {
            Element::F32 => {
                for (bytes, value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
                    *bytes = value.to_le_bytes();
                }
            }
            Element::Bf16 => {
                for (bytes, value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
                    *bytes = bf16::from_f32(*value).to_le_bytes();
                }
            }
            Element::F16 => {
                let mut halves = [f16::ZERO; HALVES];
                for (values, bytes) in values.chunks(HALVES).zip(bytes.chunks_mut(2 * HALVES)) {
                    let halves = &mut halves[..values.len()];
                    halves.convert_from_f32_slice(values);
                    for (bytes, half) in bytes.as_chunks_mut().0.iter_mut().zip(halves) {
                        *bytes = half.to_le_bytes();
                    }
                }
            }
            Element::U32 | Element::Other => unreachable!("only numbers are stored as numbers"),
        }
    }

    /// Whether all numbers are finite, and still are as this type.
    pub(crate) fn holds(self, values: &[f32]) -> bool {
        // Without an early end, so that compilers use vector instructions.
        values.iter().fold(true, |all, value| all & (value.abs() < self.limit()))
    }

    /// The least magnitude that rounds to infinity.
    fn limit(self) -> f32 {
        match self {
            Element::F16 => 65520.0,
            Element::Bf16 => f32::from_bits(0x7f7f_8000),
            _ => f32::INFINITY,
        }
    }
}

/// Whether bfloat16 holds a number exactly.
pub(crate) fn is_bf16(value: f32) -> bool {
    value.to_bits() & 0xffff == 0
}

#[cfg(test)]
mod tests {
    use super::{Element, is_bf16};

    #[test]
    fn numbers_survive_the_way_there_and_back() {
        for element in [Element::F16, Element::Bf16, Element::F32] {
            // More than are converted at a time, and no multiple of it. Every type holds them.
            let values: Vec<f32> = (0..601).map(|index| (index as f32 - 300.0) / 4.0).map(|value| value.trunc() / 2.0).collect();
            let mut bytes = vec![0; values.len() * element.bytes().unwrap() as usize];
            element.narrow(&values, &mut bytes);
            let mut restored = vec![f32::NAN; values.len()];
            element.widen(&bytes, &mut restored);
            assert_eq!(values, restored, "{element:?}");
        }
    }

    #[test]
    fn what_a_type_holds_is_finite_in_it() {
        for (element, greatest) in
            [(Element::F16, 65520f32.next_down()), (Element::Bf16, f32::from_bits(0x7f7f_7fff)), (Element::F32, f32::MAX)]
        {
            assert!(element.holds(&[1.0, -greatest]) && !element.holds(&[1.0, greatest.next_up()]), "{element:?}");
            assert!(!element.holds(&[0.0, f32::NAN]));
            let mut bytes = [0; 4];
            element.narrow(&[greatest], &mut bytes);
            let mut value = [0.0];
            element.widen(&bytes, &mut value);
            assert!(value[0].is_finite());
        }
        assert!(is_bf16(1.5) && !is_bf16(0.1));
    }
}
