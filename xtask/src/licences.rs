//! The licences of the crates inside the npm package's WebAssembly modules, as their authors wrote them. The package carries the modules, so
//! it carries these.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// What a file of a licence may be called, in lower case.
const NAMES: &[&str] = &["license", "licence", "copying", "notice", "unlicense", "copyright"];

/// A line that only the text of Apache-2.0 has.
const APACHE: &str = "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION";

/// Writes all licences to a file: a text once, under the names of the crates that share it.
pub fn write(root: &Path, output: &Path) -> Result<()> {
    let mut crates = shipped(&metadata(root)?)?;
    crates.sort();
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut document = String::from(
        "tegula.wasm and tegula-grammar.wasm contain these crates. Their licences follow; the text of Apache-2.0 is in LICENSE.\n\n",
    );
    for Shipped { name, version, licence, folder } in &crates {
        writeln!(document, "  {name} {version}: {licence}")?;
        for text in texts_in(Path::new(folder)).with_context(|| format!("the licence of {name}"))? {
            texts.entry(text).or_default().insert(format!("{name} {version}"));
        }
    }
    for (text, names) in texts {
        let names: Vec<String> = names.into_iter().collect();
        write!(document, "\n{}\n{}\n\n{}\n", "-".repeat(80), names.join(", "), text.trim())?;
    }
    fs::write(output, document).with_context(|| format!("cannot write {}", output.display()))
}

/// A crate in the module.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Shipped {
    name: String,
    version: String,
    licence: String,
    folder: String,
}

/// What cargo knows of all packages. It may have to fetch some that nothing here has compiled.
fn metadata(root: &Path) -> Result<Value> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", "wasm32-unknown-unknown"])
        .current_dir(root)
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The crates of others that the modules are linked with. Macros and build scripts only run on the machine that builds.
fn shipped(metadata: &Value) -> Result<Vec<Shipped>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages: BTreeMap<String, Value> = list(&metadata["packages"]).into_iter().map(|one| (text(&one["id"]), one)).collect();
    let nodes: BTreeMap<String, Value> = list(&metadata["resolve"]["nodes"]).into_iter().map(|one| (text(&one["id"]), one)).collect();
    let is_macro = |package: &Value| list(&package["targets"]).iter().any(|target| list(&target["kind"]).contains(&"proc-macro".into()));
    let modules = packages.iter().filter(|(_, package)| package["name"] == "tegula" || package["name"] == "tegula-grammar");
    let (mut found, mut next) = (BTreeSet::new(), modules.map(|(id, _)| id.clone()).collect::<Vec<_>>());
    ensure!(next.len() == 2, "the workspace lacks the crates of the modules");
    while let Some(id) = next.pop() {
        if is_macro(&packages[&id]) || !found.insert(id.clone()) {
            continue;
        }
        let linked = |dependency: &Value| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        next.extend(list(&nodes[&id]["deps"]).iter().filter(|dependency| linked(dependency)).map(|dependency| text(&dependency["pkg"])));
    }
    // Crates of this workspace come from nowhere.
    let others = found.iter().map(|id| &packages[id]).filter(|package| !package["source"].is_null());
    let folder = |package: &Value| Path::new(&text(&package["manifest_path"])).parent().map(|folder| folder.display().to_string());
    Ok(others
        .map(|package| Shipped {
            name: text(&package["name"]),
            version: text(&package["version"]),
            licence: text(&package["license"]),
            folder: folder(package).unwrap_or_default(),
        })
        .collect())
}

/// The texts of licences in a crate's folder. Some crates have none, and only name theirs.
fn texts_in(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_file() && NAMES.iter().any(|start| name.starts_with(start)) {
            let text = fs::read_to_string(&path)?.replace("\r\n", "\n");
            // This package has the same text under its own name, LICENSE.
            if !text.contains(APACHE) {
                texts.push(text);
            }
        }
    }
    texts.sort();
    Ok(texts)
}
