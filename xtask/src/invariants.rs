//! ARCHITECTURE.md states invariants; each names the test that would fail if it did not hold.
//!
//! Each list item under the heading `## Invariants` must name in backticks, after the word `Test`, a test function of the Rust or JavaScript
//! tests, or `cargo xtask tidy` for what that checks.

use crate::source::Source;

/// Complains of invariants without a test.
pub fn check(sources: &[Source]) -> Vec<String> {
    let Some(document) = sources.iter().find(|source| source.path == "ARCHITECTURE.md") else {
        return vec!["ARCHITECTURE.md is missing".into()];
    };
    let found = items(&document.text);
    if found.is_empty() {
        return vec!["ARCHITECTURE.md states no invariant (a list under `## Invariants`)".into()];
    }
    found.iter().filter_map(|(line, paragraph)| Some(format!("ARCHITECTURE.md:{line}: {}", complaint(paragraph, sources)?))).collect()
}

/// The list items that state an invariant, with their first lines.
fn items(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let (mut is_listed, mut is_open) = (false, false);
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            (is_listed, is_open) = (line == "## Invariants", false);
        } else if is_listed && line.starts_with("- ") {
            found.push((index + 1, line.to_owned()));
            is_open = true;
        } else if line.trim().is_empty() {
            is_open = false;
        } else if is_open && let Some((_, item)) = found.last_mut() {
            item.push(' ');
            item.push_str(line.trim());
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
        let under = |item: &str| complaints(&format!("# A\n\n- A list.\n\n## Invariants\n\n{item}\n"));
        assert_eq!(under("- **A seed repeats.** Because.\n  Test: `a_seed_repeats`."), 0);
        assert_eq!(under("- **A seed repeats.** Test: `sampler::a_seed_repeats`."), 0);
        assert_eq!(under("- **It streams.** Test: `it streams`.\n\n## More\n\n- Another list."), 0);
        assert_eq!(under("- **Heads.** Test: `cargo xtask tidy`."), 0);
        assert_eq!(under("- **A seed repeats.** Test: `gone`."), 1);
        assert_eq!(under("- **A seed repeats.** Test: `engine::a_seed_repeats`."), 1);
        assert_eq!(under("- **A seed repeats.**\n\nTest: `a_seed_repeats`."), 1, "the test is in another paragraph");
        assert_eq!(complaints("# Nothing stated\n"), 1);
    }
}
