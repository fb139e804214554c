//! Size is a feature: the table that CI prints, so that growth is seen when it happens.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::manifest;
use crate::source::{self, Source};

/// Whether a person wrote this to be run.
pub fn is_code(source: &Source) -> bool {
    matches!(source.extension(), "rs" | "wgsl" | "ts" | "mts" | "mjs" | "css" | "html" | "sh")
}

/// Prints the table.
pub fn print(root: &Path) -> Result<()> {
    let sources: Vec<Source> = source::all(root)?.into_iter().filter(is_code).collect();
    let crates = manifest::crates(root)?;
    println!("{:<28} {:>6} {:>8} {:>8} {:>6}", "sources", "files", "lines", "longest", "crates");
    let mut folders = vec!["plan", "gpu", "wgsl", "compiler", "src", "cli", "xtask", "js", "www", "tests"];
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
    for file in files {
        let bytes = fs::read(&file)?;
        let deflated = miniz_oxide::deflate::compress_to_vec(&bytes, 9).len();
        println!("{:<28} {:>10} {deflated:>10}", file.strip_prefix(root)?.display(), bytes.len());
    }
    Ok(())
}
