//! Templates: WGSL files made into kernels.
//!
//! A template under `wgsl/` is plain WGSL, valid as it stands once its `#import` lines are followed. Three things are done to it and no more:
//! an import may be redirected to another module with the same functions (a *slot*), module constants get other values, and bindings are
//! numbered densely in the order of the text. Then loops marked `// unroll` are written out ([`unroll()`]), and others put so that browsers
//! know them to end ([`count()`]). Everything the host must know of the result (workgroup size and memory, bindings, outputs of a workgroup) is read back from it by naga, so that nothing is stated twice.

use crate::{Error, ErrorKind};
use include_dir::{Dir, include_dir};
use naga::{AddressSpace, Expression, Literal, Module, StorageAccess, TypeInner};
use tegula_plan::{KernelBinding, LAUNCH_MEMBERS, Requires, SAMPLING_MEMBERS};

mod count;
mod unroll;

pub use count::count;
pub use unroll::unroll;

static WGSL: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../wgsl");

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

/// Every file under `wgsl/`, by path without extension, in order.
#[must_use]
pub fn names() -> Vec<String> {
    fn walk(dir: &Dir<'_>, names: &mut Vec<String>) {
        names.extend(dir.files().map(|file| file.path().with_extension("").to_string_lossy().replace('\\', "/")));
        for dir in dir.dirs() {
            walk(dir, names);
        }
    }
    let mut names = Vec::new();
    walk(&WGSL, &mut names);
    names.sort();
    names
}

/// Every file under `wgsl/` with an entry point, by path without extension, in order: the others are modules that these import.
#[must_use]
pub fn entries() -> Vec<&'static str> {
    fn walk(dir: &'static Dir<'static>, names: &mut Vec<&'static str>) {
        let entries = dir.files().filter(|file| file.contents_utf8().is_some_and(|text| text.contains("@compute")));
        names.extend(entries.filter_map(|file| file.path().to_str()?.strip_suffix(".wgsl")));
        dir.dirs().for_each(|dir| walk(dir, names));
    }
    let mut names = Vec::new();
    walk(&WGSL, &mut names);
    names.sort_unstable();
    names
}

/// The number that a template gives a constant of its own, if it is one.
pub fn constant(template: &str, name: &str) -> Result<Option<u32>, Error> {
    let start = format!("const {name}: u32 = ");
    let number = |line: &str| line.strip_prefix(&start)?.split_once("u;")?.0.parse().ok();
    Ok(source(template)?.lines().find_map(number))
}

/// The text of a file under `wgsl/`.
pub fn source(name: &str) -> Result<&'static str, Error> {
    // Ops and formats of tests bring their own.
    #[cfg(test)]
    if let Some((_, text)) = [crate::op::toy::WGSL, crate::format::toy::WGSL].into_iter().find(|(toy, _)| *toy == name) {
        return Ok(text);
    }
    let file = WGSL.get_file(format!("{name}.wgsl")).and_then(|file| file.contents_utf8());
    file.ok_or_else(|| wrong(name, "there is no such file under wgsl/"))
}

/// A template and all modules that it imports, itself or through others, by name and text; itself first.
pub(crate) fn sources(template: &'static str) -> Result<Vec<(&'static str, &'static str)>, Error> {
    let mut found: Vec<(&'static str, &'static str)> = vec![(template, source(template)?)];
    let mut next = 0;
    while let Some(&(_, text)) = found.get(next) {
        for import in text.lines().filter_map(|line| line.strip_prefix("#import ")).map(str::trim_end) {
            if found.iter().all(|(name, _)| *name != import) {
                found.push((import, source(import)?));
            }
        }
        next += 1;
    }
    Ok(found)
}

/// The tunables of a template and the values to try: constants with a trailing `// tune: 1 2 4`.
pub fn tunables(name: &str) -> Result<Vec<(&'static str, Vec<u32>)>, Error> {
    let mut found = Vec::new();
    for line in source(name)?.lines() {
        let Some((declaration, values)) = line.split_once("// tune:") else { continue };
        let constant = declaration.strip_prefix("const ").and_then(|rest| rest.split_once(':'));
        let values = values.split_whitespace().map(str::parse).collect::<Result<Vec<u32>, _>>();
        match (constant, values) {
            (Some((constant, _)), Ok(values)) => found.push((constant, values)),
            _ => return Err(wrong(name, "a `// tune:` comment follows something else than a constant, or names no numbers")),
        }
    }
    Ok(found)
}

/// Follows the imports of a template, with some redirected, and sets constants.
///
/// # Errors
/// [`ErrorKind::Template`] where a file, a slot or a constant does not exist: a defect of the compiler or of a template.
pub fn link(template: &str, slots: &[(&str, &str)], values: &[(&str, Value)]) -> Result<String, Error> {
    let mut linker = Linker { slots, used: vec![false; slots.len()], seen: Vec::new(), text: String::new() };
    linker.include(template)?;
    if let Some(unused) = linker.used.iter().position(|used| !used) {
        return Err(wrong(template, &format!("it imports no `{}`", slots[unused].0)));
    }
    let mut text = linker.text;
    for (name, value) in values {
        text = set_constant(template, &text, name, &value.to_string())?;
    }
    Ok(number_bindings(&text))
}

struct Linker<'a> {
    slots: &'a [(&'a str, &'a str)],
    used: Vec<bool>,
    seen: Vec<String>,
    text: String,
}

impl Linker<'_> {
    fn include(&mut self, name: &str) -> Result<(), Error> {
        if self.seen.iter().any(|seen| seen == name) {
            return Ok(());
        }
        self.seen.push(name.to_owned());
        for line in source(name)?.lines() {
            // WGSL has no string literals, so two slashes always open a comment.
            let bare = line.split("//").next().unwrap_or_default().trim_end();
            let line = if line.ends_with(unroll::MARK) { line.trim_end() } else { bare };
            if let Some(import) = line.strip_prefix("#import ") {
                let slot = self.slots.iter().position(|(slot, _)| *slot == import);
                let target = slot.map_or(import, |slot| self.slots[slot].1);
                if let Some(slot) = slot {
                    self.used[slot] = true;
                }
                self.include(target)?;
            } else if !line.trim().is_empty() {
                self.text.push_str(line);
                self.text.push('\n');
            }
        }
        Ok(())
    }
}

/// Replaces the initialiser of `const NAME: TYPE = …;`, which stands on a line of its own.
fn set_constant(template: &str, text: &str, name: &str, value: &str) -> Result<String, Error> {
    let start = format!("const {name}: ");
    let mut found = 0;
    let mut lines = String::with_capacity(text.len());
    for line in text.lines() {
        match line.strip_prefix(&start).and_then(|rest| rest.split_once(" = ")) {
            Some((kind, _)) => {
                found += 1;
                lines.push_str(&format!("{start}{kind} = {value};"));
            }
            None => lines.push_str(line),
        }
        lines.push('\n');
    }
    if found == 1 { Ok(lines) } else { Err(wrong(template, &format!("it declares the constant {name} {found} times"))) }
}

/// Numbers bindings in the order of the text: the uniform is 0, storage follows from 1.
fn number_bindings(text: &str) -> String {
    let mut next = 1;
    let mut lines = String::with_capacity(text.len());
    for line in text.lines() {
        match line.strip_prefix("@group(0) @binding(").and_then(|rest| rest.split_once(") ")) {
            Some((_, variable)) if variable.starts_with("var<uniform>") => lines.push_str(&format!("@group(0) @binding(0) {variable}")),
            Some((_, variable)) => {
                lines.push_str(&format!("@group(0) @binding({next}) {variable}"));
                next += 1;
            }
            None => lines.push_str(line),
        }
        lines.push('\n');
    }
    lines
}

/// Parses and validates a kernel and reads off what the host needs.
///
/// # Errors
/// [`ErrorKind::Template`] with naga's message, which a `const_assert` that does not hold also leads to.
pub fn reflect(template: &str, text: &str) -> Result<Reflection, Error> {
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
            // Implementations lay variables out one after the other, each on a boundary of 16 bytes.
            AddressSpace::WorkGroup => workgroup_memory += module.types[variable.ty].inner.size(module.to_ctx()).next_multiple_of(16),
            AddressSpace::Storage { access } => bindings.push((variable, access)),
            AddressSpace::Uniform if module.types[variable.ty].name.as_deref() != Some("Launch") => {
                return Err(wrong(template, "its uniform is not the launch block"));
            }
            _ => {}
        }
    }
    for (name, members) in structs(&module) {
        let planned: &[&str] = match name {
            "Launch" => &LAUNCH_MEMBERS,
            "Sampling" => &SAMPLING_MEMBERS,
            _ => continue,
        };
        let names = members.iter().map(|member| member.name.as_deref().unwrap_or_default());
        if !names.eq(planned.iter().copied()) {
            return Err(wrong(template, &format!("its `struct {name}` has other members than plans and hosts fill")));
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

/// Templates say nothing of extensions: what they need is read off.
const DIRECTIVES: &str = "enable f16;\nenable wgpu_cooperative_matrix;\n";

fn requires(module: &Module, text: &str) -> Requires {
    let has = |test: fn(&TypeInner) -> bool| module.types.iter().any(|(_, ty)| test(&ty.inner));
    let half = |inner: &TypeInner| inner.scalar() == Some(naga::Scalar::F16);
    Requires {
        subgroups: text.contains("subgroup"),
        f16: has(half),
        matrix: has(|inner| matches!(inner, TypeInner::CooperativeMatrix { .. })),
    }
}

/// The structs of a module, by name.
fn structs(module: &Module) -> impl Iterator<Item = (&str, &[naga::StructMember])> {
    module.types.iter().filter_map(|(_, kind)| match &kind.inner {
        TypeInner::Struct { members, .. } => Some((kind.name.as_deref()?, members.as_slice())),
        _ => None,
    })
}

fn block(module: &Module) -> Option<[u32; 3]> {
    let (_, constant) = module.constants.iter().find(|(_, constant)| constant.name.as_deref() == Some("BLOCK"))?;
    let Expression::Compose { components, .. } = &module.global_expressions[constant.init] else { return None };
    let number = |component: &naga::Handle<Expression>| match module.global_expressions[*component] {
        Expression::Literal(Literal::U32(value)) => Some(value),
        Expression::Constant(constant) => match module.global_expressions[module.constants[constant].init] {
            Expression::Literal(Literal::U32(value)) => Some(value),
            _ => None,
        },
        _ => None,
    };
    match components.as_slice() {
        [x, y, z] => Some([number(x)?, number(y)?, number(z)?]),
        _ => None,
    }
}

fn wrong(template: &str, reason: &str) -> Error {
    ErrorKind::Template { template: template.to_owned(), reason: reason.to_owned() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files with an entry point; the others are modules that they import.
    fn templates() -> impl Iterator<Item = String> {
        names().into_iter().filter(|name| source(name).unwrap().contains("@compute"))
    }

    #[test]
    fn templates_are_valid_at_their_default_schedule() {
        let mut found = 0;
        for template in templates() {
            let text = link(&template, &[], &[]).unwrap();
            let reflection = reflect(&template, &text).unwrap();
            assert!(reflection.invocations > 0 && !reflection.bindings.is_empty(), "{template}");
            found += 1;
        }
        assert!(found >= 7, "only {found} templates under wgsl/");
    }

    #[test]
    fn no_template_carries_a_directive_or_a_condition() {
        for name in names() {
            for line in source(&name).unwrap().lines() {
                let directive = ["enable ", "requires ", "#if", "#define"].iter().any(|start| line.starts_with(start));
                assert!(!directive, "{name}: {line}");
            }
        }
    }

    /// The language resets a loop's variables to zero in each turn, but Chromium 156 does so only where a value is given.
    #[test]
    fn variables_of_loops_are_given_a_value() {
        for name in names() {
            for line in source(&name).unwrap().lines() {
                let nested = line.starts_with("        ") && line.trim_start().starts_with("var ");
                assert!(!nested || line.contains('='), "{name}: {line}");
            }
        }
    }

    #[test]
    fn tunables_hold_their_default() {
        for template in templates() {
            let text = source(&template).unwrap();
            for (name, values) in tunables(&template).unwrap() {
                let held = |value: &u32| text.lines().any(|line| line.starts_with(&format!("const {name}: u32 = {value}u;")));
                assert!(values.iter().any(held), "{template}: the default of {name} is not among {values:?}");
            }
        }
    }

    #[test]
    fn bindings_are_dense_and_read_back_by_name() {
        let text = link("matmul/vec", &[("input/plain", "input/norm")], &[("N", Value::Int(96)), ("EPS", Value::Float(1e-6))]).unwrap();
        let text = unroll("matmul/vec", &text).unwrap();
        assert!(text.contains("const N: u32 = 96u;") && text.contains("const EPS: f32 = 1e-6;") && !text.contains("//"));
        let reflection = reflect("matmul/vec", &text).unwrap();
        let mut names: Vec<_> = reflection.bindings.iter().map(|binding| (binding.name.as_str(), binding.writes)).collect();
        names.sort_unstable();
        assert_eq!(names, [("input", false), ("output", true), ("scales", false), ("vectors", false), ("weights", false)]);
        let numbers: Vec<_> = (0..=5).filter(|number| text.contains(&format!("@binding({number})"))).collect();
        assert_eq!((numbers.len(), text.matches("@binding(").count()), (6, 6));
    }

    /// Vulkan loads fragments from multiples of 16 bytes. Drivers order the variables of workgroup memory as they like, and put vectors of four
    /// halves on multiples of eight: only where every size is a multiple of 16 is every place one, too.
    #[test]
    fn no_variable_puts_fragments_of_attention_out_of_line() {
        let template = "attention/flash_matrix";
        let tunables = tunables(template).unwrap();
        let values = |name: &str| tunables.iter().find(|(other, _)| *other == name).unwrap().1.clone();
        let mut looked_at = 0;
        for (down, across) in values("DOWN").into_iter().flat_map(|down| values("ACROSS").into_iter().map(move |across| (down, across))) {
            for (sm, tile) in values("SM").into_iter().flat_map(|sm| values("TILE").into_iter().map(move |tile| (sm, tile))) {
                let set = [("HEAD_DIM", 64), ("DOWN", down), ("ACROSS", across), ("SM", sm), ("TILE", tile)];
                let text = link(template, &[], &set.map(|(name, value)| (name, Value::Int(value)))).unwrap();
                // Some break other rules, which is not asked here.
                let Ok(module) = naga::front::wgsl::parse_str(&[DIRECTIVES, &text].concat()) else { continue };
                looked_at += 1;
                let shared = module.global_variables.iter().filter(|(_, variable)| variable.space == AddressSpace::WorkGroup);
                for (_, variable) in shared {
                    let size = module.types[variable.ty].inner.size(module.to_ctx());
                    assert!(size > 0 && size.is_multiple_of(16), "{:?} has {size} bytes with {set:?}", variable.name);
                }
            }
        }
        assert!(looked_at >= 24, "only {looked_at} schedules are legal");
    }

    #[test]
    fn illegal_schedules_and_unknown_names_are_refused() {
        let text = link("matmul/tile", &[], &[("TM", Value::Int(3))]).unwrap();
        assert!(reflect("matmul/tile", &text).is_err(), "64 rows do not divide by 3");
        for (slots, values) in [
            (vec![("input/plain", "input/nowhere")], vec![]),
            (vec![("cache/f16", "cache/f32")], vec![]),
            (vec![], vec![("NOWHERE", Value::Int(1))]),
        ] {
            let error = link("matmul/tile", &slots, &values).unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Template { template, .. } if template.contains("matmul/tile") || template.contains("nowhere")),
                "{error}"
            );
        }
    }
}
