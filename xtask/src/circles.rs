//! No circle between modules: a crate can be read from the top down.
//!
//! The modules of each folder are compared with each other. If one module names something in another, it comes before the other in the
//! reading order. If no such order exists, there is a circle. A folder's own file (`mod.rs`) and the modules below it may name each other:
//! the file holds what the folder has in common. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;

/// A module by the names on the way to it.
type Path = Vec<String>;

/// Complaints about circles, one for each.
pub fn check(sources: &[Source]) -> Vec<String> {
    let mut crates: BTreeMap<&str, Vec<(Path, String)>> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.extension() == "rs" && !is_test(&source.path)) {
        let Some((folder, inside)) = source.path.split_once("src/") else { continue };
        crates.entry(folder).or_default().push((module(inside), code(&source.text)));
    }
    for modules in crates.values_mut() {
        let tests: Vec<Path> = modules.iter().flat_map(|(path, text)| for_tests(path, text)).collect();
        modules.retain(|(path, _)| !tests.contains(path));
    }
    crates.iter().flat_map(|(folder, modules)| circles(folder, modules)).collect()
}

/// The modules in files of their own that a module has for tests only.
fn for_tests(path: &[String], text: &str) -> Vec<Path> {
    let declared = text.split("#[cfg(test)]\n").skip(1).filter_map(|rest| rest.lines().next()?.split("mod ").nth(1)?.strip_suffix(';'));
    declared.map(|name| [path, &[name.to_owned()]].concat()).collect()
}

fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name == "tests.rs" || name.ends_with("_tests.rs") || path.contains("/bin/")
}

/// The module that a file below `src/` holds.
fn module(inside: &str) -> Path {
    let path = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').filter(|name| !["lib", "main", "mod"].contains(name)).map(str::to_owned).collect()
}

/// A text without comments and without what is compiled for tests only.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let (mut kept, mut tested) = (Vec::new(), false);
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        // A declaration of a module stays: it says which files are tests.
        if line.trim() == "#[cfg(test)]" {
            tested = true;
        } else if tested && !line.contains("mod ") {
            tested = ![";", "{", ",", "}"].iter().any(|end| line.ends_with(end));
            continue;
        } else {
            if tested {
                kept.push("#[cfg(test)]");
            }
            tested = false;
            kept.push(line);
        }
    }
    kept.join("\n")
}

fn circles(folder: &str, modules: &[(Path, String)]) -> Vec<String> {
    let known: BTreeSet<&[String]> = modules.iter().map(|(path, _)| path.as_slice()).collect();
    // By parent: who names whom.
    let mut graphs: BTreeMap<&[String], BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for (from, text) in modules {
        for named in names(from, text) {
            // What is named may be an item of a module.
            let Some(to) = (1..=named.len()).rev().find_map(|length| known.get(&named[..length])) else { continue };
            let common = from.iter().zip(*to).take_while(|(one, other)| one == other).count();
            if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
                graphs.entry(&from[..common]).or_default().entry(one).or_default().insert(other);
            }
        }
    }
    let complaint = |(parent, graph): (&&[String], &BTreeMap<&str, BTreeSet<&str>>)| {
        let circle = circle(graph)?;
        let place = [&["src".to_owned()], *parent].concat().join("/");
        Some(format!("{folder}{place}: a circle of modules: {}", circle.join(" -> ")))
    };
    graphs.iter().filter_map(complaint).collect()
}

/// The paths that a module names: `crate::a::b`, `super::a`, and each of `crate::{a::b, c}`.
fn names(from: &[String], text: &str) -> Vec<Path> {
    let mut found = Vec::new();
    for (start, base) in [("crate::", Some(0)), ("super::", None)] {
        for (at, _) in text.match_indices(start) {
            if text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
                continue;
            }
            let mut rest = &text[at + start.len()..];
            let mut up = 1;
            while let Some(further) = rest.strip_prefix("super::").filter(|_| base.is_none()) {
                (rest, up) = (further, up + 1);
            }
            let kept = base.unwrap_or(from.len().saturating_sub(up));
            let below = |path: &str| {
                let names = path.split("::").map(|name| name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>());
                from[..kept].iter().cloned().chain(names.take_while(|name| !name.is_empty())).collect::<Path>()
            };
            match rest.strip_prefix('{') {
                Some(group) => found.extend(members(group).into_iter().map(below)),
                None => found.push(below(rest)),
            }
        }
    }
    found
}

/// What stands between the braces of a group, up to groups in it.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(group[start..at].trim());
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(group[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// Modules that name each other in turn, if there are any; the first comes again at the end.
fn circle<'a>(graph: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Option<Vec<&'a str>> {
    fn walk<'a>(
        at: &'a str,
        graph: &BTreeMap<&'a str, BTreeSet<&'a str>>,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<&'a str>> {
        if let Some(begin) = way.iter().position(|name| *name == at) {
            return Some([&way[begin..], &[at]].concat());
        }
        if !done.insert(at) {
            return None;
        }
        way.push(at);
        let found = graph.get(at).into_iter().flatten().find_map(|next| walk(next, graph, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|start| walk(start, graph, &mut Vec::new(), &mut done))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> = files.iter().map(|(path, text)| Source { path: (*path).into(), text: (*text).into() }).collect();
        check(&sources)
    }

    #[test]
    fn circles_are_found_whatever_form_a_path_has() {
        let a = ("src/a.rs", "use crate::b::Thing;");
        assert_eq!(complaints(&[a, ("src/b/mod.rs", "use super::c;"), ("src/c.rs", "")]), [""; 0]);
        assert_eq!(complaints(&[a, ("src/b.rs", "use crate::{Error, a::Other};")]), ["src: a circle of modules: a -> b -> a"]);
        let inner = ("x/src/b/c.rs", "fn f() { super::super::a::g() }");
        assert_eq!(
            complaints(&[("x/src/a.rs", "use crate::b::c;"), ("x/src/b/mod.rs", ""), inner]),
            ["x/src: a circle of modules: a -> b -> a"]
        );
        assert_eq!(complaints(&[("src/b/c.rs", "use super::d;"), ("src/b/d.rs", "use super::c;")]).len(), 1);
    }

    #[test]
    fn folders_comments_and_tests_are_no_circle() {
        let folder = [("src/a/mod.rs", "mod b; pub use b::C;"), ("src/a/b.rs", "use super::D; use crate::a::D;")];
        assert_eq!(complaints(&folder), [""; 0]);
        let a = ("src/a.rs", "use crate::b;");
        assert_eq!(complaints(&[a, ("src/b.rs", "//! See [`crate::a`].\n#[cfg(test)]\nmod tests {\n    use crate::a;\n}")]), [""; 0]);
        assert_eq!(complaints(&[a, ("src/b.rs", ""), ("src/b_tests.rs", "use crate::a;")]), [""; 0]);
    }
}
