//! Linking: from a spec and a schedule to a kernel.
//!
//! [`link`] joins a template, values for its tunables and what the spec fixes. It also turns the extent of the output into a grid.

use crate::op::Spec;
use crate::schedule::{Build, MAX_WORKGROUP_MEMORY, Schedule};
use crate::template;
use crate::template::Value;
use crate::{Error, ErrorKind};
use tegula_plan::{KernelBinding, MATRIX_WORKGROUP_MEMORY, MAX_STORAGE_BUFFERS, Requires, Size};

/// The most invocations of a workgroup on every device.
const MAX_INVOCATIONS: u32 = 256;
/// The most workgroups of a dispatch in each direction on every device.
const MAX_WORKGROUPS: u32 = 65_535;

/// A kernel, ready for a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Linked {
    /// The schedule, for people.
    pub name: String,
    /// The linked text.
    pub text: String,
    /// Names what the template computes ([`template::fingerprint`]): it changes with the template or a module of it, and not with the shape.
    pub source: u64,
    /// Invocations of a workgroup.
    pub invocations: u32,
    /// Bytes of workgroup memory.
    pub workgroup_memory: u32,
    /// Whether it computes in half precision, which agrees with the reference less closely.
    pub half: bool,
    /// Storage bindings in order, by name.
    pub bindings: Vec<KernelBinding>,
    /// Workgroups.
    pub grid: [Size; 3],
}

/// Links a spec with a schedule.
///
/// # Errors
/// [`ErrorKind::NoSchedule`] where the kernel exceeds limits that every device has; [`ErrorKind::Template`] where the values are not legal.
pub fn link(spec: &Spec, requires: &Requires, schedule: &Schedule) -> Result<Linked, Error> {
    let (build, extent) = prepared(spec, requires, schedule)?;
    let template::Built { text, reflection } = template::build(schedule.template, &build.slots, &build.values)?;
    let [x, y, z] = extent;
    let [bx, by, bz] = reflection.block;
    let grid = [x.ceil_div(bx), y.ceil_div(by), z.ceil_div(bz)];
    let refuse = |reason: String| Err(ErrorKind::NoSchedule { spec: format!("{spec:?}"), reason: format!("{schedule}: {reason}") }.into());
    if let Some(feature) = reflection.requires.beyond(requires) {
        return refuse(format!("it needs {feature}"));
    }
    if reflection.invocations > MAX_INVOCATIONS {
        return refuse(format!("{} invocations, over {MAX_INVOCATIONS}", reflection.invocations));
    }
    let memory = if requires.matrix { MATRIX_WORKGROUP_MEMORY } else { MAX_WORKGROUP_MEMORY };
    if reflection.workgroup_memory > memory {
        return refuse(format!("{} bytes of workgroup memory, over {memory}", reflection.workgroup_memory));
    }
    if reflection.bindings.len() > MAX_STORAGE_BUFFERS {
        return refuse(format!("{} storage buffers, over {MAX_STORAGE_BUFFERS}", reflection.bindings.len()));
    }
    if let Some(Size::Const(groups)) = grid.iter().find(|size| matches!(size, Size::Const(groups) if *groups > MAX_WORKGROUPS)) {
        return refuse(format!("{groups} workgroups in one direction, over {MAX_WORKGROUPS}"));
    }
    Ok(Linked {
        name: schedule.to_string(),
        source: fingerprint(&build)?,
        text,
        invocations: reflection.invocations,
        workgroup_memory: reflection.workgroup_memory,
        half: reflection.requires.f16,
        bindings: reflection.bindings,
        grid,
    })
}

/// What a spec and a schedule fix, and the extent of the output.
fn prepared<'a>(spec: &Spec, requires: &Requires, schedule: &'a Schedule) -> Result<(Build<'a>, [Size; 3]), Error> {
    let mut build = Build::new(schedule)?;
    let extent = spec.build(&mut build);
    if requires.subgroups && build.imports("reduce/tree") {
        build.slot("reduce/tree", "reduce/subgroup");
    }
    if template::constant(schedule.template, "SUBGROUP")?.is_some() {
        build.int("SUBGROUP", requires.subgroup_size());
    }
    build.values.extend(schedule.values.iter().map(|(name, value)| (*name, Value::Int(*value))));
    Ok((build, extent))
}

fn fingerprint(build: &Build<'_>) -> Result<u64, Error> {
    let open: Vec<&str> = build.values.iter().map(|(name, _)| *name).collect();
    template::fingerprint(build.schedule.template, &build.slots, &open)
}

/// [`Linked::source`] of a spec and a schedule, without linking them.
///
/// # Errors
/// [`ErrorKind::Template`] where the template does not suit the spec.
pub fn source(spec: &Spec, requires: &Requires, schedule: &Schedule) -> Result<u64, Error> {
    fingerprint(&prepared(spec, requires, schedule)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::attention::Attention;
    use crate::op::heads::Heads;
    use crate::op::{Op, Rows};
    use tegula_plan::Dtype;

    #[test]
    fn invocations_share_a_key_only_where_subgroups_are_large_enough() {
        let heads = Heads { query: 8, kv: 2, dim: 128, cache: Dtype::F16 };
        let attention = Attention { heads, scale: 0.1, softcap: None, window: None, pages_per_sequence: 8, split: true, rows: Rows::One };
        let class = |subgroups, f16, matrix| Requires { subgroups, f16, matrix };
        for (requires, most) in
            [(class(true, true, true), 16), (class(true, true, false), 8), (class(true, false, false), 4), (class(false, false, false), 0)]
        {
            for lanes in [4, 8, 16] {
                let schedule = Schedule { template: "attention/row_shared", values: vec![("LANES", 64), ("KEY_LANES", lanes)] };
                assert_eq!(link(&attention.into(), &requires, &schedule).is_ok(), lanes <= most, "{requires:?} {lanes}");
            }
        }
    }

    #[test]
    fn attention_fits_every_device_whatever_its_heads() {
        let classes = [(false, false), (true, false), (true, true)].map(|(subgroups, f16)| Requires { subgroups, f16, matrix: false });
        let mut seen = std::collections::HashSet::new();
        for (dim, requires) in (8..=256).step_by(8).flat_map(|dim| classes.map(|requires| (dim, requires))) {
            for (query, kv, cache) in
                [(2, 2, Dtype::F16), (12, 2, Dtype::F16), (10, 1, Dtype::F32), (8, 1, Dtype::F32), (14, 2, Dtype::F16)]
            {
                let heads = Heads { query, kv, dim, cache };
                for rows in [Rows::One, Rows::Few, Rows::Many] {
                    let split = rows != Rows::Many;
                    let spec = Attention { heads, scale: 0.1, softcap: None, window: Some(70), pages_per_sequence: 8, split, rows };
                    let schedule = spec.default_schedule(&requires);
                    link(&spec.into(), &requires, &schedule).unwrap();
                    seen.insert(schedule.template);
                }
            }
        }
        assert_eq!(seen.len(), 4, "{seen:?}");
    }

    #[test]
    fn attention_of_prompts_fits_devices_with_matrix_units_whatever_its_heads() {
        let requires = Requires { subgroups: true, f16: true, matrix: true };
        for dim in (16..=256).step_by(16) {
            for (query, kv, cache) in [(2, 2, Dtype::F16), (14, 2, Dtype::F16), (10, 1, Dtype::F16), (8, 1, Dtype::F16), (8, 1, Dtype::F32)]
            {
                let heads = Heads { query, kv, dim, cache };
                let spec =
                    Attention { heads, scale: 0.1, softcap: None, window: Some(70), pages_per_sequence: 8, split: false, rows: Rows::Many };
                let schedule = spec.default_schedule(&requires);
                assert_eq!(schedule.template.ends_with("_matrix"), cache == Dtype::F16, "{heads:?}");
                let linked = link(&spec.into(), &requires, &schedule).unwrap();
                assert_eq!((linked.half, linked.bindings.len()), (cache == Dtype::F16, 6));
            }
        }
        let heads = Heads { query: 2, kv: 2, dim: 40, cache: Dtype::F16 };
        let odd = Attention { heads, scale: 0.1, softcap: None, window: None, pages_per_sequence: 8, split: false, rows: Rows::Many };
        assert_eq!(odd.default_schedule(&requires).template, "attention/flash");
    }
}
