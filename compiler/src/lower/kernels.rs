//! The kernels of a device class, each linked once.

use crate::Error;
use crate::schedule::Linked;
use crate::spec::{ArgMax, Input, Output, Spec};
use crate::tune::{Choice, Tally};
use tegula_plan::{Kernel, Requires};

/// Kernels linked so far.
pub(super) struct Kernels<'a> {
    requires: Requires,
    choice: Choice<'a>,
    /// Specs, their kernels, and those kernels' places in `list`.
    known: Vec<(Spec, Linked, u32)>,
    /// [`tegula_plan::Variant::kernels`].
    pub list: Vec<Kernel>,
    /// Where their schedules came from.
    pub tally: Tally,
}

impl<'a> Kernels<'a> {
    pub(super) fn new(requires: Requires, choice: Choice<'a>) -> Self {
        Kernels { requires, choice, known: Vec::new(), list: Vec::new(), tally: Tally::default() }
    }

    /// The specs so far, in the order of their first use.
    pub(super) fn specs(&self) -> Vec<Spec> {
        self.known.iter().map(|(spec, ..)| *spec).collect()
    }

    /// The kernel of a spec and its place in the list. Specs that come to the same kernel share it, kernels of the same text share that.
    pub(super) fn kernel(&mut self, spec: &Spec, shaders: &mut Vec<String>) -> Result<(u32, &Linked), Error> {
        if let Some(known) = self.known.iter().position(|(known, ..)| known == spec) {
            return Ok((self.known[known].2, &self.known[known].1));
        }
        let linked = self.choice.kernel(spec, &self.requires, &mut self.tally)?;
        let shader = shaders.iter().position(|text| *text == linked.text).unwrap_or_else(|| {
            shaders.push(linked.text.clone());
            shaders.len() - 1
        }) as u32;
        // The text settles everything else about a kernel.
        let place = self.list.iter().position(|kernel| kernel.shader == shader).unwrap_or_else(|| {
            self.list.push(Kernel {
                name: format!("{}: {}", describe(spec), linked.name),
                shader,
                invocations: linked.invocations,
                workgroup_memory: linked.workgroup_memory,
                bindings: linked.bindings.clone(),
            });
            self.list.len() - 1
        }) as u32;
        self.known.push((*spec, linked, place));
        let (_, linked, place) = self.known.last().expect("just pushed");
        Ok((*place, linked))
    }
}

/// What a kernel computes, for people.
fn describe(spec: &Spec) -> String {
    match spec {
        Spec::Embed(spec) => format!("embed {}x{}", spec.n, spec.k),
        Spec::Matmul(spec) => {
            let input = match spec.input {
                Input::Plain => "",
                Input::Norm => "norm ",
                Input::Merge { .. } => "merge ",
            };
            let bias = if spec.bias { " bias" } else { "" };
            let output = match spec.output {
                Output::Store { .. } => "",
                Output::Residual => " residual",
                Output::SiluMul => " silu_mul",
                Output::Heads(_) => " heads",
            };
            format!("{input}matmul {}x{}{bias}{output}", spec.n, spec.k)
        }
        Spec::HeadNorm(spec) => format!("head norm {}x{}", spec.heads.query + 2 * spec.heads.kv, spec.heads.dim),
        Spec::Attention(spec) => {
            let window = spec.window.map(|window| format!(" window {window}")).unwrap_or_default();
            let split = if spec.split { " split" } else { "" };
            format!("attention {}/{}x{}{window}{split}", spec.heads.query, spec.heads.kv, spec.heads.dim)
        }
        Spec::ArgMax(ArgMax::Parts { vocab, .. }) => format!("argmax of parts of {vocab}"),
        Spec::ArgMax(ArgMax::Whole { .. }) => "argmax of parts".into(),
        Spec::Draw(spec) => format!("draw from {}: {}", spec.vocab, spec.stage.name()),
    }
}
