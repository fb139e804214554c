//! Schedules: a template and values for its tunables, and what a spec adds when both are linked.
//!
//! A spec says what is computed; a schedule says how. [`Build`] collects what the spec fixes in the text of a template: the modules that
//! its imports lead to (*slots*), and the values of constants.

use crate::Error;
use crate::template::{self, Value};
use std::fmt;

/// The most bytes of workgroup memory on every device.
pub(crate) const MAX_WORKGROUP_MEMORY: u32 = 16 << 10;

/// A template and values for its tunables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Path under `wgsl/`, without extension.
    pub template: &'static str,
    /// Tunables by name; those left out keep the template's default.
    pub values: Vec<(&'static str, u32)>,
}

impl Schedule {
    /// A template with its own defaults.
    #[must_use]
    pub fn of(template: &'static str) -> Schedule {
        Schedule { template, values: Vec::new() }
    }

    /// A template and values.
    #[must_use]
    pub fn with<const N: usize>(template: &'static str, values: [(&'static str, u32); N]) -> Schedule {
        Schedule { template, values: values.into() }
    }

    /// The value of a tunable, where it is not the template's default.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<u32> {
        self.values.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.template)?;
        self.values.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// What a spec fixes in a template.
#[derive(Debug)]
pub struct Build<'a> {
    /// How it is computed.
    pub schedule: &'a Schedule,
    /// The modules that the template imports, itself or through others.
    imports: Vec<&'static str>,
    /// Imports and the modules they lead to instead.
    pub(crate) slots: Vec<(&'static str, &'static str)>,
    /// Constants and their values.
    pub(crate) values: Vec<(&'static str, Value)>,
}

impl<'a> Build<'a> {
    /// Begins.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Template`] where a file does not exist.
    pub(crate) fn new(schedule: &'a Schedule) -> Result<Self, Error> {
        Ok(Build { schedule, imports: template::imports(schedule.template)?, slots: Vec::new(), values: Vec::new() })
    }

    /// Whether the template imports a module, itself or through another.
    #[must_use]
    pub fn imports(&self, module: &str) -> bool {
        self.imports.contains(&module)
    }

    /// Lets an import lead to another module with the same functions.
    pub fn slot(&mut self, import: &'static str, module: &'static str) {
        self.slots.push((import, module));
    }

    /// Sets a whole number.
    pub fn int(&mut self, name: &'static str, value: u32) {
        self.values.push((name, Value::Int(value)));
    }

    /// Sets a floating-point number.
    pub fn float(&mut self, name: &'static str, value: f32) {
        self.values.push((name, Value::Float(value)));
    }
}
