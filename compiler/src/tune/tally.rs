//! The count of where kernels came from: what a compilation says of its choices in one line.

use std::collections::BTreeSet;

/// Where kernels came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Measured on the device, with this shape.
    pub device: usize,
    /// Measured on the device, with a near shape.
    pub near: usize,
    /// Measured on other devices.
    pub generic: usize,
    /// Not measured.
    pub default: usize,
    /// Records that were of no use since their template has changed, by place in [`Records::list`](super::Records::list).
    pub stale: BTreeSet<usize>,
}

impl Tally {
    /// Adds another count of the same records.
    pub fn add(&mut self, other: &Tally) {
        self.device += other.device;
        self.near += other.near;
        self.generic += other.generic;
        self.default += other.default;
        self.stale.extend(&other.stale);
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tally { device, near, generic, default, stale } = self;
        write!(f, "{device} measured, {near} by a near shape, {generic} by other devices, {default} by default")?;
        if stale.is_empty() { Ok(()) } else { write!(f, "; {} stale records ignored", stale.len()) }
    }
}
