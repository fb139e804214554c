//! The activations of an entry before they have places: how much memory each needs, and when it lives.

use crate::graph::Value;
use crate::memory::{Activation, Touch};
use crate::op::stage::{Form, Target};

/// What names an activation: a value, and the form that it is in.
pub(super) type Place = (Value, Form);

/// What names an operand that is an activation.
///
/// # Panics
/// If the target is no activation.
pub(super) fn place(target: &Target) -> Place {
    match target {
        Target::Activation { value, form, .. } => (*value, *form),
        Target::Whole(_) | Target::Part(..) => unreachable!("buffers have names of their own"),
    }
}

/// The activations of an entry, by value.
#[derive(Default)]
pub(super) struct Scratch {
    values: Vec<Place>,
    /// What they need, in the order of their keys.
    pub activations: Vec<Activation>,
}

impl Scratch {
    /// Its place among the activations.
    pub fn index(&self, value: Place) -> Option<usize> {
        self.values.binary_search(&value).ok()
    }

    /// Notes that a dispatch reads or writes it.
    pub fn touch(&mut self, value: Place, bytes: u64, touch: Touch) {
        let index = self.values.binary_search(&value).unwrap_or_else(|index| {
            self.values.insert(index, value);
            self.activations.insert(index, Activation { bytes, touches: Vec::new() });
            index
        });
        self.activations[index].touches.push(touch);
    }
}
