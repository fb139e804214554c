//! The sizes of code and of what is shipped, as a table. CI prints it, so that growth is seen when it happens.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::manifest;
use crate::source::{self, Source};

/// Whether a person wrote this to be run.
pub fn is_code(source: &Source) -> bool {
    matches!(source.extension(), "rs" | "wgsl" | "ts" | "mts" | "mjs" | "css" | "html" | "sh")
}

/// The most bytes that the runtime's WebAssembly may have for a page that waits for it, deflated. `gzip -9` differs by a few hundred.
const MAX_WASM: usize = 1_200_000;

/// The same for the grammar module, which a page fetches when a request first needs it.
const MAX_GRAMMAR: usize = 600_000;

/// Prints the table, and fails where a module has grown too large.
pub fn print(root: &Path) -> Result<()> {
    let sources: Vec<Source> = source::all(root)?.into_iter().filter(is_code).collect();
    let crates = manifest::crates(root)?;
    println!("{:<28} {:>6} {:>8} {:>8} {:>6}", "sources", "files", "lines", "longest", "crates");
    let mut folders = vec!["plan", "edit", "package", "grammar", "gpu", "wgsl", "compiler", "src", "cli", "xtask", "js", "www", "tests"];
    folders.retain(|folder| root.join(folder).is_dir());
    let mut total = 0;
    for folder in folders {
        let lines: Vec<usize> =
            sources.iter().filter(|s| s.path.starts_with(&format!("{folder}/"))).map(|source| source.text.lines().count()).collect();
        let sum: usize = lines.iter().sum();
        total += sum;
        let home = if folder == "src" { root.to_owned() } else { root.join(folder) };
        let dependencies = crates.iter().find(|one| one.folder == home).map(|one| one.dependencies.len().to_string()).unwrap_or_default();
        println!("{folder:<28} {:>6} {sum:>8} {:>8} {dependencies:>6}", lines.len(), lines.iter().max().copied().unwrap_or(0));
    }
    println!("{:<28} {:>6} {total:>8}", "all", sources.len());
    println!("\n{:<28} {:>10} {:>10}", "shipped", "bytes", "deflated");
    let dist = root.join("dist");
    let shipped = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "js" || extension == "wasm");
    let mut files: Vec<_> = fs::read_dir(&dist).into_iter().flatten().flatten().map(|entry| entry.path()).filter(shipped).collect();
    files.sort();
    if files.is_empty() {
        println!("nothing is built: `cargo xtask web`");
    }
    let mut complaints = Vec::new();
    for file in files {
        let bytes = fs::read(&file)?;
        let deflated = miniz_oxide::deflate::compress_to_vec(&bytes, 9).len();
        let name = file.strip_prefix(root)?.display().to_string();
        println!("{name:<28} {:>10} {deflated:>10}", bytes.len());
        complaints.extend(too_large(&name, deflated));
    }
    match complaints.as_slice() {
        [] => Ok(()),
        complaints => bail!("{}", complaints.join("\n")),
    }
}

/// What to say of a file that is larger than it may be.
fn too_large(name: &str, deflated: usize) -> Option<String> {
    let most = if name.ends_with("grammar.wasm") { MAX_GRAMMAR } else { MAX_WASM };
    (name.ends_with(".wasm") && deflated > most).then(|| {
        format!("{name} has {deflated} bytes deflated, {most} are allowed (a build with --dev has more): make it smaller, or raise the bound in xtask/src/size.rs with the reason")
    })
}

#[cfg(test)]
mod tests {
    use super::{MAX_WASM, too_large};

    #[test]
    fn only_a_runtime_over_its_budget_is_too_large() {
        assert_eq!(too_large("dist/tegula_bg.wasm", MAX_WASM), None);
        assert_eq!(too_large("dist/index.js", MAX_WASM + 1), None);
        assert!(too_large("dist/tegula-grammar.wasm", MAX_WASM).is_some());
        let text = too_large("dist/tegula_bg.wasm", MAX_WASM + 1).unwrap();
        assert!(text.starts_with("dist/tegula_bg.wasm has 1200001 bytes deflated, 1200000 are allowed"), "{text}");
    }
}
