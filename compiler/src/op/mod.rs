//! Ops: everything about one kind of kernel in one place.
//!
//! A module here has the *spec* of its kernels: what they compute on which shape, and nothing about workgroups. It has the search key, the
//! default schedule, what a template needs to compute it, seeded operands, the CPU reference and its tolerance, and the least that a step
//! costs. It also has the [`stage`] that makes such kernels of graph ops. The rest of the compiler sees [`Op`] and [`stage::Stage`] only.
//!
//! To add an op: its module, its templates under `wgsl/`, and a line in [`RULES`].

pub mod argmax;
pub mod attention;
mod compare;
pub mod draw;
pub mod embed;
pub(crate) mod fusion;
pub mod group_norm;
pub mod halve;
pub mod head_norm;
pub mod heads;
pub mod int8;
pub mod key;
pub mod matmul;
pub mod norm;
pub mod positions;
pub mod quantize;
pub mod rotation;
pub(crate) mod stage;
pub mod step;
#[cfg(test)]
pub(crate) mod toy;

pub use crate::entry::Rows;
use crate::operand::{Launch, Operands};
use crate::schedule::{Build, Schedule};
pub use compare::{Holds, compare};
use fusion::Rule;
use std::any::Any;
use std::fmt::Debug;
use std::ops::Deref;
use std::sync::Arc;
use step::{Inputs, Step};
use tegula_plan::{Requires, Size, StepSize, When};

/// What makes stages of graph ops, in the order in which they are asked. Each takes the ops that it knows and leaves the others.
pub(crate) const RULES: &[Rule] = &[
    embed::rule,
    rotation::rule,
    positions::rule,
    matmul::rule,
    norm::rule,
    group_norm::rule,
    head_norm::rule,
    attention::rule,
    argmax::rule,
    #[cfg(test)]
    toy::rule,
];

/// What a kernel computes, on which shape.
pub trait Op: Any + Same + Debug + Send + Sync {
    /// What search records go by: what is computed, in words that do not change with the code. What has no bearing on speed is left out
    /// (epsilons, scales, strides, the length of a page table), so that one record serves all of it.
    fn key(&self) -> String;

    /// What is computed, for people.
    fn label(&self) -> String;

    /// How many rows it is made for.
    fn rows(&self) -> Rows;

    /// Whether it works on the row at `launch.first` alone.
    fn is_single(&self) -> bool {
        false
    }

    /// A schedule that is known to be good enough on any device of a class.
    fn default_schedule(&self, requires: &Requires) -> Schedule;

    /// Slots and constants of a template. Returns the extent of the output, in the template's own units.
    fn build(&self, build: &mut Build<'_>) -> [Size; 3];

    /// Launch words and operands to try it on, beside the rows of the step.
    fn operands(&self, step: &Step, inputs: &mut Inputs);

    /// Table rows that the tokens of a step to try are drawn from.
    fn tokens(&self) -> u32 {
        50
    }

    /// What it means: computes it on the CPU in double precision.
    fn reference(&self, launch: &Launch, operands: &mut Operands);

    /// What a buffer that it writes holds.
    fn holds(&self, name: &str) -> Holds {
        if matches!(name, "sampled" | "tokens") { Holds::Exact } else { Holds::F32 }
    }

    /// Compares what a kernel wrote to the buffer `name` with what the reference wrote. `half`: it computes in half precision.
    ///
    /// # Errors
    /// How many elements differ by more than arithmetic of the buffer's precision explains, and the first of them.
    fn compare(&self, half: bool, name: &str, found: &[u32], expected: &[u32]) -> Result<(), String> {
        compare::floats(self.holds(name), half, name, found, expected)
    }

    /// Bytes that a step reads or writes at least once, whatever the schedule.
    fn bytes(&self, step: &Step) -> u64;

    /// Multiplications and additions of a step, where they are what a kernel may be bound by; zero elsewhere.
    fn operations(&self, _step: &Step) -> u64 {
        0
    }

    /// Which steps it is for.
    fn when(&self) -> When {
        When::Always
    }

    /// Whether it takes so much of a step's time that a device may choose among schedules.
    fn is_heavy(&self) -> bool {
        false
    }

    /// Whether its time depends on how much of the cache is filled.
    fn reads_cache(&self) -> bool {
        false
    }

    /// Whether a grid has a layer for each segment of neighbouring rows, in z.
    fn takes_segments(&self) -> bool {
        false
    }

    /// The most pages of a sequence that it has room for.
    fn most_pages(&self) -> u32 {
        u32::MAX
    }

    /// Parts that it cuts the sequences of a step into.
    fn splits(&self, _step: &StepSize) -> u32 {
        1
    }

    /// Rows of a step that shows whether a schedule is right: several where it works on several, and a number that divides by nothing.
    fn checked_rows(&self) -> u32 {
        match self.rows() {
            Rows::One => 1,
            Rows::Few => 3,
            Rows::Many => 5,
        }
    }

    /// Rows of the steps that show how fast a schedule is.
    fn timed_rows(&self) -> Vec<u32> {
        vec![match self.rows() {
            Rows::One => 1,
            Rows::Few => step::SEQUENCES,
            Rows::Many => step::PREFILL_ROWS,
        }]
    }
}

/// Equality of ops of any type.
pub trait Same {
    /// Whether `other` is an op of the same type that computes the same.
    fn same(&self, other: &dyn Op) -> bool;
}

impl<T: Any + PartialEq> Same for T {
    fn same(&self, other: &dyn Op) -> bool {
        (other as &dyn Any).downcast_ref::<T>() == Some(self)
    }
}

/// An [`Op`] of any kind.
#[derive(Clone, Debug)]
pub struct Spec(Arc<dyn Op>);

impl Spec {
    /// The op, if it is one of type `T`.
    #[must_use]
    pub fn get<T: Op>(&self) -> Option<&T> {
        let op: &dyn Any = &*self.0;
        op.downcast_ref()
    }
}

impl<T: Op> From<T> for Spec {
    fn from(op: T) -> Spec {
        Spec(Arc::new(op))
    }
}

impl Deref for Spec {
    type Target = dyn Op;

    fn deref(&self) -> &(dyn Op + 'static) {
        &*self.0
    }
}

impl PartialEq for Spec {
    fn eq(&self, other: &Spec) -> bool {
        self.0.same(&*other.0)
    }
}

#[cfg(test)]
mod tests;
