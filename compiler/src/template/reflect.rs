//! What the host must know of a kernel, read off its text.

use super::constants::number;
use super::{DIRECTIVES, wrong};
use crate::Error;
use md5::{Digest, Md5};
use naga::{AddressSpace, Expression, Module, StorageAccess, TypeInner};
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use tegula_plan::{KernelBinding, Requires};

/// What naga says of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reflection {
    /// Invocations of a workgroup.
    pub invocations: u32,
    /// Bytes of workgroup memory.
    pub workgroup_memory: u32,
    /// Storage bindings, from binding 1 on.
    pub bindings: Vec<KernelBinding>,
    /// Extent of the output that a workgroup makes, in the template's own units: `const BLOCK`.
    pub block: [u32; 3],
    /// What the text needs of a device.
    pub requires: Requires,
}

/// Parses and validates a kernel and reads off what the host needs. The same text is read once:
/// reading takes most of the time of compiling a model, and specs of several device classes come to
/// the same kernel.
///
/// # Errors
/// [`ErrorKind::Template`] with naga's message, which a `const_assert` that does not hold also
/// leads to.
pub(super) fn reflect(template: &str, text: &str) -> Result<Reflection, Error> {
    static KNOWN: OnceLock<Mutex<HashMap<[u8; 16], Reflection>>> = OnceLock::new();
    let known = || KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let key = Md5::digest(text).into();
    if let Some(found) = known().get(&key) {
        return Ok(found.clone());
    }
    let found = read(template, text)?;
    known().insert(key, found.clone());
    Ok(found)
}

fn read(template: &str, text: &str) -> Result<Reflection, Error> {
    let text = &[DIRECTIVES, text].concat();
    let module = naga::front::wgsl::parse_str(text).map_err(|error| wrong(template, &error.emit_to_string(text)))?;
    let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::all());
    validator.subgroup_stages(naga::valid::ShaderStages::all()).subgroup_operations(naga::valid::SubgroupOperationSet::all());
    validator.validate(&module).map_err(|error| wrong(template, &error.emit_to_string(text)))?;
    let entry =
        module.entry_points.iter().find(|entry| entry.name == "main").ok_or_else(|| wrong(template, "it has no entry point `main`"))?;
    let (mut bindings, mut workgroup_memory) = (Vec::new(), 0);
    for (_, variable) in module.global_variables.iter() {
        match variable.space {
            // Implementations lay variables out one after the other, each on a boundary of 16
            // bytes.
            AddressSpace::WorkGroup => workgroup_memory += module.types[variable.ty].inner.size(module.to_ctx()).next_multiple_of(16),
            AddressSpace::Storage { access } => bindings.push((variable, access)),
            AddressSpace::Uniform if module.types[variable.ty].name.as_deref() != Some("Launch") => {
                return Err(wrong(template, "its uniform is not the launch block"));
            }
            _ => {}
        }
    }
    bindings.sort_by_key(|(variable, _)| variable.binding.map(|at| at.binding));
    let bindings = bindings.into_iter().map(|(variable, access)| KernelBinding {
        name: variable.name.clone().unwrap_or_default(),
        writes: access.contains(StorageAccess::STORE),
    });
    Ok(Reflection {
        invocations: entry.workgroup_size.iter().product(),
        workgroup_memory,
        bindings: bindings.collect(),
        block: block(&module).ok_or_else(|| wrong(template, "it declares no `const BLOCK: vec3u`"))?,
        requires: requires(&module, text),
    })
}

fn requires(module: &Module, text: &str) -> Requires {
    let has = |test: fn(&TypeInner) -> bool| module.types.iter().any(|(_, ty)| test(&ty.inner));
    let half = |inner: &TypeInner| inner.scalar() == Some(naga::Scalar::F16);
    Requires {
        subgroups: text.contains("subgroup"),
        f16: has(half),
        matrix: has(|inner| matches!(inner, TypeInner::CooperativeMatrix { .. })),
    }
}

fn block(module: &Module) -> Option<[u32; 3]> {
    let (_, constant) = module.constants.iter().find(|(_, constant)| constant.name.as_deref() == Some("BLOCK"))?;
    let Expression::Compose { components, .. } = &module.global_expressions[constant.init] else { return None };
    let number = |component: &naga::Handle<Expression>| number(module, *component);
    match components.as_slice() {
        [x, y, z] => Some([number(x)?, number(y)?, number(z)?]),
        _ => None,
    }
}
