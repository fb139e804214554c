//! Rules that keep the repository easy to read, checked by machine.
//!
//! Each rule is a function from the files to complaints, so that its test is a line. What rustfmt and clippy check is not repeated here.

use std::path::Path;

use anyhow::{Result, bail};

use crate::manifest::{self, Crate};
use crate::source::{self, Source};
use crate::{circles, invariants, models, size};

/// The most lines of a file.
const MAX_LINES: usize = 300;

/// Files that may be longer: path, lines, and why they are better whole.
const LONG: &[(&str, usize, &str)] =
    &[("src/error/mod.rs", 340, "the list of what can go wrong: in two, nobody would know where a kind stands")];

/// The most crates that a crate depends on directly.
const MAX_DEPENDENCIES: usize = 20;

/// Words that say nothing of what a module is about.
const EMPTY_NAMES: &[&str] = &["base", "block", "common", "context", "helper", "helpers", "manager", "misc", "util", "utils"];

/// Marks of unfinished work, and folders of the machine that a file was written on. In two pieces, so that this file does not hold them.
const FORBIDDEN: &[(&str, &str)] =
    &[("TO", "DO"), ("FIX", "ME"), ("XX", "X:"), ("HA", "CK:"), ("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/Us", "ers/")];

/// Applies every rule and fails with all complaints.
pub fn check(root: &Path) -> Result<()> {
    let sources = source::all(root)?;
    let mut complaints: Vec<String> = sources.iter().flat_map(file).collect();
    complaints.extend(manifest::crates(root)?.iter().flat_map(dependencies));
    complaints.extend(invariants::check(&sources));
    complaints.extend(circles::check(&sources));
    complaints.extend(models::check(&sources));
    if complaints.is_empty() {
        return Ok(());
    }
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    bail!("{} complaints", complaints.len())
}

/// The rules for a file by itself.
fn file(source: &Source) -> Vec<String> {
    let Source { path, text } = source;
    let mut complaints = Vec::new();
    let mut complain = |line: usize, what: String| complaints.push(format!("{path}:{line}: {what}"));
    let first = text.lines().next().unwrap_or_default();
    let head = match source.extension() {
        "rs" => Some("//!"),
        "wgsl" => Some("//"),
        "ts" | "mts" | "mjs" | "css" => Some("/"),
        _ => None,
    };
    if let Some(head) = head
        && !first.starts_with(head)
        && !first.starts_with("#!")
    {
        complain(1, format!("opens without a head (`{head} …`) that says what this is and why"));
    }
    let lines = text.lines().count();
    let most = LONG.iter().find(|(long, ..)| long == path).map_or(MAX_LINES, |(_, lines, _)| *lines);
    if size::is_code(source) && lines > most {
        complain(most + 1, format!("{lines} lines: split it, or list it in xtask/src/tidy.rs with the reason"));
    }
    if EMPTY_NAMES.contains(&source.stem()) {
        complain(1, format!("a file called `{}` says nothing of what is in it", source.stem()));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        complain(lines, "no line end at the end".into());
    }
    let licence = path == "LICENSE";
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        // Two spaces at the end of a Markdown line are a line break.
        if line.ends_with([' ', '\t', '\r']) && source.extension() != "md" {
            complain(number, "space at the end of the line".into());
        }
        for (left, right) in FORBIDDEN {
            if !licence && line.contains(&format!("{left}{right}")) {
                complain(number, format!("`{left}{right}` does not belong in the repository"));
            }
        }
        if source.extension() == "rs" && !path.starts_with("gpu/") && line.contains(concat!("wgpu", "::")) {
            complain(number, "only the crate `gpu` names wgpu".into());
        }
        let drives = path.starts_with("src/engine/") || path.starts_with("src/host/");
        if path.starts_with("src/") && !drives && line.contains("engine::") && line.contains("Engine") {
            complain(number, "only `host` holds engines; everyone else sends it messages".into());
        }
        if source.extension() == "wgsl" && (line.contains("warp") || line.contains("thread")) {
            complain(number, "WebGPU's words are `subgroup` and `invocation`".into());
        }
        if source.extension() == "wgsl" && (line.starts_with("enable ") || line.starts_with("requires ")) {
            complain(number, "directives depend on where a kernel runs; the crate `gpu` adds them".into());
        }
    }
    complaints
}

/// The rules for what a crate depends on.
fn dependencies(one: &Crate) -> Vec<String> {
    let mut complaints = Vec::new();
    let Crate { name, dependencies, .. } = one;
    if dependencies.len() > MAX_DEPENDENCIES {
        complaints.push(format!("{name}: {} direct dependencies, {MAX_DEPENDENCIES} are allowed", dependencies.len()));
    }
    let mut forbid = |who: &str, what: &str| {
        if name == who && dependencies.contains(what) {
            complaints.push(format!("{name}: may not depend on {what}"));
        }
    };
    forbid("tegula", "tegula-compiler");
    forbid("tegula-compiler", "tegula");
    for library in ["tegula", "tegula-gpu", "tegula-compiler", "wasm-bindgen", "web-sys", "js-sys"] {
        forbid("tegula-plan", library);
        forbid("tegula-package", library);
    }
    forbid("tegula-plan", "tegula-package");
    if name != "tegula-gpu" {
        forbid(name, "wgpu");
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::{Crate, Source, dependencies, file};

    fn complaints(path: &str, text: &str) -> usize {
        file(&Source { path: path.into(), text: text.into() }).len()
    }

    #[test]
    fn each_rule_finds_what_it_is_for() {
        assert_eq!(complaints("src/page.rs", "//! Pages.\n"), 0);
        assert_eq!(complaints("src/page.rs", "use std::fmt;\n"), 1, "no head");
        assert_eq!(complaints("src/utils.rs", "//! Pages.\n"), 1, "empty name");
        assert_eq!(complaints("src/page.rs", "//! Pages. \n"), 1, "trailing space");
        assert_eq!(complaints("src/page.rs", "//! Pages."), 1, "no line end");
        assert_eq!(complaints("src/page.rs", &"//! Pages.\n".repeat(301)), 1, "too long");
        assert_eq!(complaints("src/page.rs", concat!("//! TO", "DO\n")), 1, "unfinished");
        assert_eq!(complaints("src/page.rs", concat!("//! P.\nuse wgpu", "::Device;\n")), 1, "wgpu outside gpu");
        assert_eq!(complaints("gpu/src/lib.rs", concat!("//! P.\nuse wgpu", "::Device;\n")), 0);
        let engine = "//! P.\nuse crate::engine::{Engine, usage};\n";
        assert_eq!(complaints("src/web/mod.rs", engine), 1, "an engine outside the host");
        assert_eq!(complaints("src/host/driver.rs", engine), 0);
        assert_eq!(complaints("wgsl/norm/row.wgsl", "// Norms.\nenable f16;\n"), 1, "directive");
    }

    #[test]
    fn the_compiler_and_the_runtime_never_see_each_other() {
        let of = |name: &str, dependency: &str| {
            let one = Crate { name: name.into(), folder: ".".into(), dependencies: [dependency.to_owned()].into() };
            dependencies(&one).len()
        };
        assert_eq!(of("tegula", "tegula-compiler"), 1);
        assert_eq!(of("tegula-compiler", "tegula"), 1);
        assert_eq!(of("tegula-package", "tegula-plan"), 0);
        assert_eq!(of("tegula-package", "tegula-compiler"), 1);
        assert_eq!(of("tegula-plan", "tegula-package"), 1);
        assert_eq!(of("tegula-cli", "tegula"), 0);
        assert_eq!(of("tegula-cli", "wgpu"), 1);
        assert_eq!(of("tegula-gpu", "wgpu"), 0);
    }
}
