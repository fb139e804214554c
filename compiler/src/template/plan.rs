//! WGSL modules that are made from the crate `plan`. They hold what hosts and kernels must agree on, so
//! that no file under `wgsl/` repeats it. They are imported as files are: `#import plan/page`.

use tegula_plan::{DEEPEST, DEPTH_ONE, LAUNCH_MEMBERS, PAGE_SIZE, Row, SAMPLING_FLOATS, SAMPLING_MEMBERS};

/// What hosts and kernels agree on.
#[derive(Clone, Copy)]
pub(super) struct Agreement<'a> {
    pub page_size: u32,
    pub sampled: u32,
    pub launch: &'a [&'a str],
    pub row: &'a [&'a str],
    pub sampling: &'a [&'a str],
    pub depth_one: f32,
    pub deepest: u32,
}

/// What the crate `plan` says.
pub(super) const PLAN: Agreement<'static> = Agreement {
    page_size: PAGE_SIZE,
    sampled: Row::SAMPLED,
    launch: &LAUNCH_MEMBERS,
    row: &Row::MEMBERS,
    sampling: &SAMPLING_MEMBERS,
    depth_one: DEPTH_ONE,
    deepest: DEEPEST,
};

impl Agreement<'_> {
    /// The modules by path.
    pub fn modules(&self) -> [(&'static str, String); 6] {
        let Agreement { page_size, sampled, launch, row, sampling, depth_one, deepest } = *self;
        [
            ("plan/page", format!("const PAGE_SIZE: u32 = {page_size}u;\n")),
            ("plan/sampled", format!("const SAMPLED: u32 = {sampled}u;\n")),
            ("plan/launch", structure("Launch", launch)),
            ("plan/row", structure("Row", row)),
            ("plan/sampling", structure("Sampling", sampling)),
            ("plan/depth", format!("const DEPTH_ONE: f32 = {depth_one:?};\nconst DEEPEST: u32 = {deepest}u;\n")),
        ]
    }
}

fn structure(name: &str, members: &[&str]) -> String {
    let kind = |member: &&str| if SAMPLING_FLOATS.contains(member) { "f32" } else { "u32" };
    let members: String = members.iter().map(|member| format!("    {member}: {},\n", kind(member))).collect();
    format!("struct {name} {{\n{members}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::file::{Files, entries};
    use crate::template::{DIRECTIVES, names, source};
    use tegula_edit::tokens;

    /// With other numbers and more members every kernel has these, and is valid.
    #[test]
    fn what_plan_says_reaches_every_kernel() {
        let mut launch = LAUNCH_MEMBERS.to_vec();
        launch.extend(["more_0", "more_1", "more_2", "more_3"]);
        let sampling = [&["added"][..], &SAMPLING_MEMBERS].concat();
        let other = Agreement { page_size: 32, sampled: 77, launch: &launch, sampling: &sampling, deepest: 99, ..PLAN };
        let files = Files::new(&other);
        let mut found = [0; 5];
        for template in entries() {
            let text = files.join(template, &[]).unwrap();
            naga::front::wgsl::parse_str(&[DIRECTIVES, &text].concat()).unwrap_or_else(|error| panic!("{}", error.emit_to_string(&text)));
            let expected = ["PAGE_SIZE: u32 = 32u;", "SAMPLED: u32 = 77u;", "more_3: u32,", "    added: u32,\n", "DEEPEST: u32 = 99u;"];
            expected.iter().zip(&mut found).for_each(|(expected, found)| *found += usize::from(text.contains(expected)));
        }
        assert!(found.iter().all(|found| *found > 0) && found[2] == entries().len(), "{found:?}");
    }

    #[test]
    fn no_file_says_it_again() {
        let own: Vec<String> = PLAN.modules().into_iter().flat_map(|(_, text)| names_of(&text)).collect();
        assert!(own.iter().any(|name| name == "PAGE_SIZE") && own.iter().any(|name| name == "Launch"));
        for name in names() {
            let text = source(name).unwrap();
            let again: Vec<String> = names_of(text).into_iter().filter(|found| own.contains(found)).collect();
            assert!(again.is_empty() || name.starts_with("plan/"), "{name} declares {again:?}, which the crate `plan` says");
        }
    }

    fn names_of(text: &str) -> Vec<String> {
        let all = tokens(text);
        crate::template::declaration::declarations(&all).into_iter().map(|declaration| declaration.name.to_owned()).collect()
    }
}
