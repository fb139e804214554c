//! Operands of a dispatch on the CPU: the launch block and the buffers that references work on, and random numbers to fill them with.
//!
//! The reference of an op is what every schedule is tested against. Buffers have the names and the layout that a kernel sees, so that
//! layouts are part of what is checked. Arithmetic is in double precision.

mod random;

use half::f16;
pub use random::Random;
use std::collections::BTreeMap;
use tegula_plan::{Dtype, LAUNCH_MEMBERS, LAUNCH_WORDS};

/// The buffers of a dispatch, by binding name, as 32-bit words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operands {
    /// Contents of each.
    pub buffers: BTreeMap<&'static str, Vec<u32>>,
}

/// The launch block of a dispatch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Launch(pub [u32; LAUNCH_WORDS]);

impl Launch {
    /// A block with some members set; the others are zero.
    ///
    /// # Panics
    /// If there is no member of that name.
    #[must_use]
    pub fn of(members: &[(&str, u32)]) -> Launch {
        let mut words = [0; LAUNCH_WORDS];
        for (name, value) in members {
            words[index(name)] = *value;
        }
        Launch(words)
    }

    pub(crate) fn rows(&self) -> usize {
        self.get("rows")
    }

    pub(crate) fn get(&self, name: &str) -> usize {
        self.0[index(name)] as usize
    }
}

fn index(name: &str) -> usize {
    LAUNCH_MEMBERS.iter().position(|member| *member == name).expect("callers name members of the launch block")
}

/// The words of one buffer, read as what they hold.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a>(pub &'a [u32]);

impl Words<'_> {
    pub(crate) fn word(self, i: usize) -> u32 {
        self.0[i]
    }

    pub(crate) fn float(self, i: usize) -> f64 {
        f64::from(f32::from_bits(self.0[i]))
    }

    fn half(self, i: usize) -> f64 {
        f64::from(f16::from_bits((self.0[i / 2] >> (16 * (i % 2))) as u16).to_f32())
    }

    /// Element `i` of a type.
    pub(crate) fn typed(self, dtype: Dtype, i: usize) -> f64 {
        if dtype == Dtype::F16 { self.half(i) } else { self.float(i) }
    }
}

impl Operands {
    /// A buffer to read; empty if the kernel does not bind it.
    pub(crate) fn read(&self, name: &str) -> Words<'_> {
        Words(self.buffers.get(name).map_or(&[], Vec::as_slice))
    }

    /// A copy of a buffer to write, to be given back with [`Operands::give`].
    pub(crate) fn take(&self, name: &str) -> Vec<u32> {
        self.buffers[name].clone()
    }

    pub(crate) fn give(&mut self, name: &'static str, words: Vec<u32>) {
        self.buffers.insert(name, words);
    }
}

pub(crate) fn set(words: &mut [u32], i: usize, value: f64) {
    words[i] = (value as f32).to_bits();
}

pub(crate) fn set_typed(words: &mut [u32], dtype: Dtype, i: usize, value: f64) {
    if dtype == Dtype::F32 {
        return set(words, i, value);
    }
    let shift = 16 * (i % 2);
    words[i / 2] = words[i / 2] & !(0xffff << shift) | u32::from(f16::from_f64(value).to_bits()) << shift;
}
