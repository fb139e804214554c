//! ARCHITECTURE.md states invariants; each names the test that would fail if it did not hold.
//!
//! A paragraph or list item that opens with `**Invariant` must name in backticks, after the word `Test`, a test function of the Rust or
//! JavaScript tests, or `cargo xtask tidy` for what that checks.

use crate::source::Source;

/// Complains of invariants without a test.
pub fn check(sources: &[Source]) -> Vec<String> {
    let Some(document) = sources.iter().find(|source| source.path == "ARCHITECTURE.md") else {
        return vec!["ARCHITECTURE.md is missing".into()];
    };
    let found = paragraphs(&document.text);
    if found.is_empty() {
        return vec!["ARCHITECTURE.md states no invariant (`**Invariant …**`)".into()];
    }
    found.iter().filter_map(|(line, paragraph)| Some(format!("ARCHITECTURE.md:{line}: {}", complaint(paragraph, sources)?))).collect()
}

/// The paragraphs and list items that state an invariant, with their first lines.
fn paragraphs(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let bare = line.trim_start().trim_start_matches(['-', '*', ' ']);
        if line.contains("**Invariant") && bare.starts_with("Invariant") {
            found.push((index + 1, line.to_owned()));
            inside = true;
        } else if line.trim().is_empty() || line.trim_start().starts_with("- ") || line.starts_with('#') {
            inside = false;
        } else if inside && let Some((_, paragraph)) = found.last_mut() {
            paragraph.push(' ');
            paragraph.push_str(line.trim());
        }
    }
    found
}

fn complaint(paragraph: &str, sources: &[Source]) -> Option<String> {
    let Some((_, after)) = paragraph.rsplit_once("Test") else { return Some("this invariant names no test (`Test: `name``)".into()) };
    let names: Vec<&str> = after.split('`').skip(1).step_by(2).collect();
    if names.is_empty() {
        return Some("no test in backticks after `Test`".into());
    }
    let missing = names.iter().find(|name| !exists(name, sources))?;
    Some(format!("there is no test `{missing}`"))
}

fn exists(name: &str, sources: &[Source]) -> bool {
    if name == "cargo xtask tidy" {
        return true;
    }
    let (path, name) = name.rsplit_once("::").unwrap_or(("", name));
    let file = path.rsplit("::").next().unwrap_or_default();
    sources.iter().filter(|source| file.is_empty() || file == "tests" || source.stem() == file || source.path == path).any(|source| {
        match source.extension() {
            "rs" => source.text.contains(&format!("fn {name}(")) && source.text.contains("test]"),
            "ts" | "mjs" => ['"', '\'', '`'].iter().any(|quote| source.text.contains(&format!("test({quote}{name}{quote}"))),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::source::Source;

    fn complaints(document: &str) -> usize {
        let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
        let tests = "//! T.\n#[test]\nfn a_seed_repeats() {}\n";
        check(&[
            source("ARCHITECTURE.md", document),
            source("tests/sampler.rs", tests),
            source("tests/browser/a.mjs", "test('it streams', () => 1)"),
        ])
        .len()
    }

    #[test]
    fn an_invariant_without_an_existing_test_is_a_complaint() {
        assert_eq!(complaints("# A\n\n**Invariant: a seed repeats.** Because.\nTest: `a_seed_repeats`.\n"), 0);
        assert_eq!(complaints("- **Invariant: a seed repeats.** Test: `sampler::a_seed_repeats`.\n"), 0);
        assert_eq!(complaints("**Invariant: it streams.** Test: `it streams`.\n"), 0);
        assert_eq!(complaints("**Invariant: heads.** Test: `cargo xtask tidy`.\n"), 0);
        assert_eq!(complaints("**Invariant: a seed repeats.** Test: `gone`.\n"), 1);
        assert_eq!(complaints("**Invariant: a seed repeats.** Test: `engine::a_seed_repeats`.\n"), 1);
        assert_eq!(complaints("**Invariant: a seed repeats.**\n\nTest: `a_seed_repeats`.\n"), 1, "the test is in another paragraph");
        assert_eq!(complaints("# Nothing stated\n"), 1);
    }
}
