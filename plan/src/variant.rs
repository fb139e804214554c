//! Kernels and dispatches for a class of devices.

use crate::{Activations, Binding, LAUNCH_WORDS, Requires, Size, StepSize};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

#[cfg(doc)]
use crate::Library;

/// The kernels and dispatches for a class of devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// `baseline`, `subgroups`, …
    pub name: String,
    /// What it needs beyond core WebGPU at its default limits.
    pub requires: Requires,
    /// The type of activations in matrix multiplications of many rows: what the library was compiled for, or floating-point numbers if
    /// those are faster here anyway.
    pub activations: Activations,
    /// Specialised templates.
    pub kernels: Vec<Kernel>,
    /// The choices among schedules that are left to the device, since no schedule is the best everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// What can be run.
    pub entries: Vec<Entry>,
}

impl Variant {
    /// The export of the model library that computes an entry's launch table.
    #[must_use]
    pub fn export(&self, entry: &Entry) -> String {
        format!("{}.{}", self.name, entry.name)
    }
}

/// Schedules of one piece of work. They compute the same; which is the fastest depends on the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// For people: what is computed.
    pub name: String,
    /// For people: the schedules, at least two. The first is what is run where nobody measures.
    pub alternatives: Vec<String>,
}

/// One of the schedules of a [`Choice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// Index in [`Variant::choices`].
    pub choice: u32,
    /// Index in [`Choice::alternatives`].
    pub index: u32,
}

/// A specialised template. Its entry point is `main`; binding 0 of group 0 is the launch uniform, and storage bindings follow from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Kernel {
    /// For people: what it computes and its schedule.
    pub name: String,
    /// Its text: index in [`Library::shaders`].
    pub shader: u32,
    /// Invocations of a workgroup.
    pub invocations: u32,
    /// Bytes of workgroup memory.
    pub workgroup_memory: u32,
    /// The storage bindings from 1 on, by name in the text.
    pub bindings: Vec<KernelBinding>,
}

/// A storage binding of a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KernelBinding {
    /// Name of the variable.
    pub name: String,
    /// Whether the kernel writes it.
    pub writes: bool,
}

/// A sequence of dispatches: one compute pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `decode` (one row), `batch` (one row each of up to `max_batch_size` sequences), `prefill` (segments of prompts, then single rows of
    /// other sequences; logits of up to `max_batch_size` rows at the end) or `score` (a segment, logits of every row).
    pub name: String,
    /// The most rows of a step.
    pub max_rows: u32,
    /// In order; each sees what those before it wrote. A step leaves out dispatches whose grid is empty. All alternatives of one dispatch
    /// follow each other in the order of their indices; a step runs one of them.
    pub dispatches: Vec<Dispatch>,
}

impl Entry {
    /// The dispatches without those that stand in for others.
    pub fn first_choice(&self) -> impl Iterator<Item = &Dispatch> {
        self.dispatches.iter().filter(|dispatch| dispatch.alternative.is_none_or(|alternative| alternative.index == 0))
    }

    /// Where each dispatch finds its row in the launch table: dispatches with the same sizes, as those of most layers are, share a row. Rows
    /// are in the order of the first dispatch that has them.
    #[must_use]
    pub fn launch_rows<'a>(&'a self) -> Vec<usize> {
        let mut rows = HashMap::new();
        let row = |dispatch: &'a Dispatch| {
            let next = rows.len();
            *rows.entry((&dispatch.grid, &dispatch.uniforms)).or_insert(next)
        };
        self.dispatches.iter().map(row).collect()
    }

    /// A step of as many rows as it takes, without rows of other kinds: a chunk of one prompt, or single rows of a page each.
    #[must_use]
    pub fn largest_alone(&self) -> StepSize {
        match self.name.as_str() {
            "prefill" => StepSize::segment(self.max_rows, 1),
            "score" => StepSize::segment(self.max_rows, self.max_rows),
            _ => StepSize::singles(self.max_rows, 1),
        }
    }

    /// How many dispatches that step takes where all rows are greedy.
    #[must_use]
    pub fn greedy_dispatches(&self) -> usize {
        let step = self.largest_alone();
        let greedy = |dispatch: &&Dispatch| matches!(dispatch.when, When::Always | When::Greedy) && dispatch.runs(&step);
        self.first_choice().filter(greedy).count()
    }
}

/// Which steps a dispatch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// All.
    Always,
    /// Those with a row that takes the greatest logit.
    Greedy,
    /// Those with a row whose id is drawn.
    Drawn,
    /// Those with a row whose id is drawn among the likeliest.
    Nucleus,
}

/// One kernel launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatch {
    /// For people, such as `layers.0.qkv`.
    pub label: String,
    /// Index in [`Variant::kernels`].
    pub kernel: u32,
    /// What each of the kernel's storage bindings is bound to.
    pub bindings: Vec<Binding>,
    /// Workgroups in x, y and z.
    pub grid: [Size; 3],
    /// Which steps it is for.
    pub when: When,
    /// Words of the launch uniform.
    pub uniforms: [Size; LAUNCH_WORDS],
    /// Which alternative it is, where there is a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<Alternative>,
}

impl Dispatch {
    /// Whether it has anything to do in a step.
    #[must_use]
    pub fn runs(&self, step: &StepSize) -> bool {
        self.grid.iter().all(|size| size.eval(step) > 0)
    }
}
