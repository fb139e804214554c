//! Device classes: what kernels ask of a device beyond core WebGPU.

use serde::{Deserialize, Serialize};

/// What a device must have for a variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Requires {
    /// Subgroup operations.
    pub subgroups: bool,
    /// 16-bit floats in shaders.
    pub f16: bool,
    /// Matrix units: multiplication of fragments of 16 x 16, f16 in and f32 out, by subgroups of exactly 32.
    #[serde(default)]
    pub matrix: bool,
}

impl Requires {
    /// The first thing that it asks for and `granted` does not have.
    #[must_use]
    pub fn beyond(&self, granted: &Requires) -> Option<&'static str> {
        let asked = [
            (self.subgroups, granted.subgroups, "subgroups"),
            (self.f16, granted.f16, "shader-f16"),
            (self.matrix, granted.matrix, "cooperative matrices"),
        ];
        asked.into_iter().find_map(|(asked, granted, name)| (asked && !granted).then_some(name))
    }

    /// Invocations that every subgroup of such a device has at least. WebGPU has no feature for this, but kernels that share work within
    /// a subgroup need to know: devices with f16 whose subgroups are smaller count as devices without.
    #[must_use]
    pub fn subgroup_size(&self) -> u32 {
        match (self.matrix, self.f16, self.subgroups) {
            (true, ..) => 32,
            (false, true, true) => 8,
            (false, false, true) => 4,
            (false, _, false) => 1,
        }
    }
}
