//! How exact answers are to be.

use serde::{Deserialize, Serialize};

/// What arithmetic a model may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// The fastest that the device has. Drawn tokens may differ from device to device.
    #[default]
    Auto,
    /// 32-bit floats in the kernels that every device can run, keys and values included, so that
    /// hosts draw the same tokens.
    F32,
}

impl Precision {
    /// Its name in options.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Precision::Auto => "auto",
            Precision::F32 => "f32",
        }
    }
}
