//! The kernels of a device class, each linked once.

use crate::Error;
use crate::link::Linked;
use crate::op::Spec;
use crate::tune::{Choice, Tally};
use tegula_plan::{Alternative, Kernel, Requires};

/// Kernels linked so far.
pub(super) struct Kernels<'a> {
    requires: Requires,
    choice: Choice<'a>,
    known: Vec<Known>,
    /// [`tegula_plan::Variant::kernels`].
    pub list: Vec<Kernel>,
    /// [`tegula_plan::Variant::choices`].
    pub choices: Vec<tegula_plan::Choice>,
    /// Where their schedules came from.
    pub tally: Tally,
}

/// A spec and its kernels.
struct Known {
    spec: Spec,
    schedules: Vec<Scheduled>,
}

/// A kernel of a spec.
pub(super) struct Scheduled {
    pub linked: Linked,
    /// Its place in the list.
    pub kernel: u32,
    /// Which of several it is. The same for all dispatches of the spec, in whichever entry and layer.
    pub alternative: Option<Alternative>,
}

impl<'a> Kernels<'a> {
    pub(super) fn new(requires: Requires, choice: Choice<'a>) -> Self {
        Kernels { requires, choice, known: Vec::new(), list: Vec::new(), choices: Vec::new(), tally: Tally::default() }
    }

    /// The specs so far, in the order of their first use.
    pub(super) fn specs(&self) -> Vec<Spec> {
        self.known.iter().map(|known| known.spec.clone()).collect()
    }

    /// The kernels of a spec: one, or those that a device is to choose among.
    pub(super) fn kernels(&mut self, spec: &Spec, shaders: &mut Vec<String>) -> Result<&[Scheduled], Error> {
        let place = match self.known.iter().position(|known| known.spec == *spec) {
            Some(place) => place,
            None => {
                let known = self.link(spec, shaders)?;
                self.known.push(known);
                self.known.len() - 1
            }
        };
        Ok(&self.known[place].schedules)
    }

    fn link(&mut self, spec: &Spec, shaders: &mut Vec<String>) -> Result<Known, Error> {
        let shortlist = self.choice.shortlist(spec, &self.requires, &mut self.tally)?;
        let choice = self.choices.len() as u32;
        if shortlist.len() > 1 {
            let alternatives = shortlist.iter().map(|linked| linked.name.clone()).collect();
            self.choices.push(tegula_plan::Choice { name: spec.key(), alternatives });
        }
        let several = shortlist.len() > 1;
        let schedules = shortlist.into_iter().zip(0..).map(|(linked, index)| Scheduled {
            kernel: self.place(spec, &linked, shaders),
            alternative: several.then_some(Alternative { choice, index }),
            linked,
        });
        Ok(Known { spec: spec.clone(), schedules: schedules.collect() })
    }

    /// The place of a kernel in the list. Specs that come to the same kernel share it, kernels of the same text share that.
    fn place(&mut self, spec: &Spec, linked: &Linked, shaders: &mut Vec<String>) -> u32 {
        let shader = shaders.iter().position(|text| *text == linked.text).unwrap_or_else(|| {
            shaders.push(linked.text.clone());
            shaders.len() - 1
        }) as u32;
        // The text settles everything else about a kernel.
        let place = self.list.iter().position(|kernel| kernel.shader == shader).unwrap_or_else(|| {
            self.list.push(Kernel {
                name: format!("{}: {}", spec.label(), linked.name),
                shader,
                invocations: linked.invocations,
                workgroup_memory: linked.workgroup_memory,
                bindings: linked.bindings.clone(),
            });
            self.list.len() - 1
        });
        place as u32
    }
}
