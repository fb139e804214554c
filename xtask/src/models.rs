//! README.md names the families of models that docs/models.md has in its table. A test of the compiler holds that table against the code.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run;
use crate::source::Source;

/// The document with the table.
const TABLE: &str = "docs/models.md";

/// The start of the table's first line.
const HEAD: &str = "| `model_type`";

/// The document with the list, and what stands before and behind it.
const LIST: (&str, &str, &str) = ("README.md", "<!--models-->", "<!--/models-->");

/// Writes the table and the list.
pub fn write(root: &Path) -> Result<()> {
    let mut cargo = Command::new("cargo");
    run(cargo.args(["test", "--package", "tegula-compiler", "--test", "models"]).env("BLESS", "1").current_dir(root))?;
    let read = |path: &str| fs::read_to_string(root.join(path)).with_context(|| path.to_owned());
    let (table, document) = (read(TABLE)?, read(LIST.0)?);
    let (before, _, after) = around(&document).with_context(|| format!("{} has no {} … {}", LIST.0, LIST.1, LIST.2))?;
    fs::write(root.join(LIST.0), format!("{before}{}{after}", families(&table).join(", "))).with_context(|| LIST.0.to_owned())
}

/// Complains of a list that is not of the table's families.
pub fn check(sources: &[Source]) -> Vec<String> {
    let text = |path: &str| sources.iter().find(|source| source.path == path).map_or("", |source| source.text.as_str());
    let families = families(text(TABLE)).join(", ");
    match around(text(LIST.0)) {
        Some((_, list, _)) if list == families && !list.is_empty() => Vec::new(),
        _ => vec![format!("{}: between {} and {} are not the models of {TABLE}: run `cargo xtask models`", LIST.0, LIST.1, LIST.2)],
    }
}

/// What is up to the list with its mark, the list, and what follows.
fn around(document: &str) -> Option<(&str, &str, &str)> {
    let start = document.find(LIST.1)? + LIST.1.len();
    let length = document[start..].find(LIST.2)?;
    Some((&document[..start], &document[start..start + length], &document[start + length..]))
}

/// The families in the column of models, each once. Versions are left out where several models have the same name.
fn families(table: &str) -> Vec<String> {
    let rows = table.lines().filter(|line| line.starts_with("| `") && !line.starts_with(HEAD)).filter_map(|line| line.split('|').nth(2));
    let names: Vec<String> = rows.map(name).collect();
    let is_shared =
        |family: &str| names.iter().any(|name| name == family) || names.iter().filter(|name| versionless(name) == family).count() > 1;
    let shown = |name: &String| if is_shared(versionless(name)) { versionless(name).to_owned() } else { name.clone() };
    let mut families: Vec<String> = names.iter().map(shown).collect();
    families.sort_by_key(|family| family.to_lowercase());
    families.dedup();
    families
}

/// The name at the start of a list of models: what comes before a number, a comma or a bracket.
fn name(models: &str) -> String {
    let first = models.split([',', '(']).next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().take_while(|word| !word.starts_with(|c: char| c.is_ascii_digit())).collect();
    words.join(" ")
}

/// A name without a version behind a dash.
fn versionless(name: &str) -> &str {
    let is_version = |at: &usize| name[at + 1..].starts_with(|c: char| c.is_ascii_digit());
    name.match_indices('-').map(|(at, _)| at).find(is_version).map_or(name, |at| &name[..at])
}

#[cfg(test)]
mod tests {
    use super::{check, families};
    use crate::source::Source;

    const ROWS: &str = "# Models\n\n| `model_type` | models |\n|---|---|\n| `phi` | Phi 1, 1.5 |\n| `phi3` | Phi-3, 4 |\n| `gpt2` | GPT-2 |\n\
        | `gptj` | GPT-J |\n| `glm` | GLM-4-9B, GLM-Edge |\n| `glm4` | GLM-4-0414 |\n| `cohere` | Command R |\n| `qwen` | Qwen (the first) |\n";

    #[test]
    fn families_have_versions_where_nothing_else_tells_them() {
        assert_eq!(families(ROWS), ["Command R", "GLM", "GPT-2", "GPT-J", "Phi", "Qwen"]);
    }

    #[test]
    fn a_list_of_other_models_is_a_complaint() {
        let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
        let complaints = |list: &str| check(&[source("README.md", list), source("docs/models.md", ROWS)]).len();
        assert_eq!(complaints("Many: <!--models-->Command R, GLM, GPT-2, GPT-J, Phi, Qwen<!--/models-->.\n"), 0);
        assert_eq!(complaints("Many: <!--models-->Command R, GLM<!--/models-->.\n"), 1);
        assert_eq!(complaints("Command R, GLM, GPT-2, GPT-J, Phi, Qwen\n"), 1, "no marks");
        assert_eq!(check(&[source("README.md", "<!--models--><!--/models-->")]).len(), 1, "no table");
    }
}
