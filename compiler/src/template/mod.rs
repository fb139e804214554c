//! Templates: WGSL files made into kernels.
//!
//! A template under `wgsl/` is plain WGSL, valid as it stands once its `#import` lines are
//! followed. [`build`] does these things to it and no more: an import may be redirected to another
//! module with the same functions (a *slot*), module constants get other values, bindings are
//! numbered densely in the order of the text, and loops are written out or made to end ([`loops`]).
//! Everything the host must know of the result (workgroup size and memory, bindings, outputs of a
//! workgroup) is read back from it by naga, so that nothing is stated twice.
//!
//! Texts are read and changed as tokens (`tegula-edit`), once: a kernel is put together, its tokens
//! are read, every change is noted as an edit, and all edits are applied together.

mod build;
mod canonical;
mod constants;
mod declaration;
mod file;
mod loops;
mod plan;
mod reflect;

pub use build::{Built, build, fingerprint};
pub use file::{constant, entries, imports, names, source, tunables};
pub use reflect::Reflection;

use crate::{Error, ErrorKind};

/// A value for a module constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// `u32`.
    Int(u32),
    /// `f32`.
    Float(f32),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Int(value) => write!(f, "{value}u"),
            Value::Float(value) => write!(f, "{value:?}"),
        }
    }
}

/// Modules to redirect: what is imported, and what takes its place.
pub type Slots<'a> = &'a [(&'a str, &'a str)];

/// Templates say nothing of extensions: what they need is read off.
const DIRECTIVES: &str = "enable f16;\nenable wgpu_cooperative_matrix;\n";

fn wrong(template: &str, reason: &str) -> Error {
    ErrorKind::Template { template: template.to_owned(), reason: reason.to_owned() }.into()
}

#[cfg(test)]
mod tests;
