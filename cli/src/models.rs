//! `tegula models`: which models can be converted and compiled.

use std::fmt::Write;

use anyhow::Result;
use serde_json::{Value, json};
use tegula_compiler::{Architecture, architectures};

use crate::args::Models;
use crate::report;

/// Lists the architectures, by the `model_type` of their configs.
pub fn models(args: &Models) -> Result<()> {
    if args.json {
        return report::print_json(&architectures().iter().map(described).collect::<Vec<_>>());
    }
    report::print_text(&table(architectures()))
}

fn described(one: &Architecture) -> Value {
    json!({"model_type": one.name, "class": one.class, "models": one.models, "aliases": one.aliases().collect::<Vec<_>>()})
}

/// A line each, under a line that says what the columns are.
fn table(all: &[Architecture]) -> String {
    let rows = || [("model_type", "class", "models")].into_iter().chain(all.iter().map(|one| (one.name, one.class, one.models)));
    let name = rows().map(|row| row.0.len()).max().unwrap_or_default();
    let class = rows().map(|row| row.1.len()).max().unwrap_or_default();
    rows().fold(String::new(), |mut text, row| {
        let _ = writeln!(text, "{:<name$}  {:<class$}  {}", row.0, row.1, row.2);
        text
    })
}
