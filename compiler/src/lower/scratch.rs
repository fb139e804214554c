//! The activations of an entry, before they have places: what each needs, and when it lives.

use super::work::Target;
use crate::graph::Value;
use crate::memory::{Activation, Touch};

/// What names an activation: a value, and whether it is meant as bytes.
pub(super) type PlaceKey = (Value, bool);

/// The activation that an operand is, if it is one.
pub(super) fn place_key(target: &Target) -> Option<PlaceKey> {
    match *target {
        Target::Scratch(value) => Some((value, false)),
        Target::Bytes(value) => Some((value, true)),
        Target::Whole(_) | Target::Part(..) => None,
    }
}

/// The activations of an entry, by value.
#[derive(Default)]
pub(super) struct Scratch {
    values: Vec<PlaceKey>,
    /// What they need, in the order of their keys.
    pub activations: Vec<Activation>,
}

impl Scratch {
    /// Its place among the activations.
    pub fn index(&self, value: PlaceKey) -> Option<usize> {
        self.values.binary_search(&value).ok()
    }

    /// Notes that a dispatch reads or writes it.
    pub fn touch(&mut self, value: PlaceKey, bytes: u64, touch: Touch) {
        let index = self.values.binary_search(&value).unwrap_or_else(|index| {
            self.values.insert(index, value);
            self.activations.insert(index, Activation { bytes, touches: Vec::new() });
            index
        });
        self.activations[index].touches.push(touch);
    }
}
