//! The table of models in docs/models.md, which is made of the architectures. `cargo xtask models` writes it, and the list in README.md.

use std::fmt::Write;
use std::path::Path;
use tegula_compiler::architectures;

/// The table's first line.
const TITLES: &str = "| `model_type` | Models | Class of transformers | Also for |";

fn table() -> String {
    architectures().iter().fold(format!("{TITLES}\n|---|---|---|---|\n"), |mut table, one| {
        let aliases = one.aliases().map(|alias| format!("`{alias}`")).collect::<Vec<_>>().join(", ");
        writeln!(table, "| `{}` | {} | `{}` | {aliases} |", one.name, one.models, one.class).expect("strings take everything");
        table
    })
}

/// The table is the end of the document.
#[test]
fn the_table_of_models_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/models.md");
    let document = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let at = document.find(TITLES).expect("docs/models.md has a table");
    let expected = format!("{}{}", &document[..at], table());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, expected).unwrap();
        return;
    }
    let differs = document.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(document == expected, "docs/models.md is not up to date: run `cargo xtask models`; first, {differs:?}");
}

#[test]
fn no_name_is_given_twice() {
    let mut names: Vec<&str> = architectures().iter().flat_map(|one| one.aliases().chain([one.name])).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}
