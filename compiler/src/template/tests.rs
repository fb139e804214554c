//! Tests of all templates, and of what is done to them.

use super::build::edit;
use super::*;
use naga::AddressSpace;

/// Files with an entry point; the others are modules that they import.
fn templates() -> impl Iterator<Item = &'static str> {
    names().into_iter().filter(|name| source(name).unwrap().contains("@compute"))
}

#[test]
fn templates_are_valid_at_their_default_schedule() {
    let mut found = 0;
    for template in templates() {
        let reflection = build(template, &[], &[]).unwrap().reflection;
        assert!(reflection.invocations > 0 && !reflection.bindings.is_empty(), "{template}");
        found += 1;
    }
    assert!(found >= 7, "only {found} templates under wgsl/");
}

#[test]
fn no_template_carries_a_directive_or_a_condition() {
    for name in names() {
        for line in source(name).unwrap().lines() {
            let directive = ["enable ", "requires ", "#if", "#define"].iter().any(|start| line.starts_with(start));
            assert!(!directive, "{name}: {line}");
        }
    }
}

/// The language resets a loop's variables to zero in each turn, but Chromium 156 does so only where a value is given.
#[test]
fn variables_of_loops_are_given_a_value() {
    for name in names() {
        for line in source(name).unwrap().lines() {
            let nested = line.starts_with("        ") && line.trim_start().starts_with("var ");
            assert!(!nested || line.contains('='), "{name}: {line}");
        }
    }
}

#[test]
fn tunables_hold_their_default() {
    for template in templates() {
        let text = source(template).unwrap();
        for (name, values) in tunables(template).unwrap() {
            let held = |value: &u32| text.lines().any(|line| line.starts_with(&format!("const {name}: u32 = {value}u;")));
            assert!(values.iter().any(held), "{template}: the default of {name} is not among {values:?}");
        }
    }
}

#[test]
fn bindings_are_dense_and_read_back_by_name() {
    let values = [("N", Value::Int(96)), ("EPS", Value::Float(1e-6))];
    let Built { text, reflection } = build("matmul/vec", &[("input/plain", "input/norm")], &values).unwrap();
    assert!(text.contains("const N: u32 = 96u;") && text.contains("const EPS: f32 = 1e-6;") && !text.contains("//"));
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
            // Some break other rules, which is not asked here.
            let Ok(text) = edit(template, &[], &set.map(|(name, value)| (name, Value::Int(value)))) else { continue };
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
    assert!(build("matmul/tile", &[], &[("TM", Value::Int(3))]).is_err(), "64 rows do not divide by 3");
    for (slots, values) in [
        (vec![("input/plain", "input/nowhere")], vec![]),
        (vec![("cache/f16", "cache/f32")], vec![]),
        (vec![], vec![("NOWHERE", Value::Int(1))]),
    ] {
        let error = build("matmul/tile", &slots, &values).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Template { template, .. } if template.contains("matmul/tile") || template.contains("nowhere")),
            "{error}"
        );
    }
}
