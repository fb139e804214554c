//! The fuzz targets of `fuzz/`, on their corpus and on changes to it, in any build.
//!
//! It takes some seconds. `TEGULA_FUZZ=200000 cargo test --release fuzzing` runs so many changes of
//! each kind, and `TEGULA_FUZZ_SEED` makes other ones.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

#[path = "../fuzz/src/mutate.rs"]
#[allow(missing_docs, reason = "nothing here is public")]
mod mutate;
#[path = "../fuzz/src/lib.rs"]
mod targets;

use mutate::{Random, mutate};

/// Runs a target on each seed and on so many changes, and fails with every input that panics.
fn fuzz(name: &str, target: fn(&[u8]), runs: usize, more: Vec<Vec<u8>>) {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let mut seeds: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).expect("a seed")).collect();
    seeds.extend(more);
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ number("TEGULA_FUZZ_SEED").unwrap_or(0) as u64);
    let changes = (0..number("TEGULA_FUZZ").unwrap_or(runs)).map(|_| mutate(&seeds, &mut random));
    let mut bad = 0;
    for input in seeds.clone().into_iter().chain(changes) {
        if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
            bad += 1;
            eprintln!("{name} panics on\n{}", String::from_utf8_lossy(&input));
        }
    }
    assert_eq!(bad, 0, "so many inputs panic");
}

#[test]
fn tokenizers() {
    fuzz("tokenizer", targets::tokenizer, 3000, Vec::new());
}

#[test]
fn templates() {
    fuzz("template", targets::template, 2000, Vec::new());
}

#[test]
fn configs() {
    fuzz("config", targets::config, 300, Vec::new());
}

#[test]
fn manifests() {
    fuzz("manifest", targets::manifest, 3000, Vec::new());
}

#[test]
fn checkpoints() {
    fuzz("checkpoint", targets::checkpoint, 3000, Vec::new());
}

#[test]
fn libraries() {
    let config = tegula_compiler::Config::parse(include_str!("../fuzz/corpus/config/tiny.json")).expect("a config");
    let compiled = tegula_compiler::compile(&config, &tegula_compiler::CompileOptions::default()).expect("a library");
    let mut plan = compiled.plan.clone();
    plan.variants.drain(..plan.variants.len() - 1);
    fuzz("library", targets::library, 300, vec![serde_json::to_vec(&plan).expect("JSON"), compiled.library]);
}

#[test]
fn records() {
    fuzz("records", targets::records, 3000, Vec::new());
}

#[test]
fn requests() {
    fuzz("request", targets::request, 3000, Vec::new());
}
