//! Real JSON schemas with instances that are valid or not, from MaskBench.
//!
//! The schemas are not part of the repository. Without them the test says so and ends.

use std::path::Path;

use serde_json::{Value, json};
use tegula_grammar::{Kind, Matcher, Vocabulary};

/// All single bytes.
fn bytes() -> Vocabulary {
    let words: Vec<u8> = (0..=255).collect();
    Vocabulary::new(&words, &[1; 256], &[], &[]).expect("a byte each")
}

fn accepts(mut matcher: Matcher, text: &str) -> bool {
    text.bytes().all(|byte| matcher.take(byte.into()).unwrap_or(false)) && matcher.may_end()
}

/// How many schemas are refused, and the instances that are not told apart.
fn tell_apart(cases: &str, options: &Value) -> (usize, Vec<String>) {
    let (vocabulary, mut refused, mut wrong) = (bytes(), 0, Vec::new());
    for case in cases.lines().map(|line| serde_json::from_str::<Value>(line).expect("a case")) {
        let mut schema = case["schema"].clone();
        if let Value::Object(members) = &mut schema {
            members.insert("x-guidance".into(), options.clone());
        }
        let Ok(matcher) = vocabulary.compile(Kind::Json, &schema.to_string()) else {
            refused += 1;
            continue;
        };
        for test in case["tests"].as_array().expect("tests") {
            if accepts(matcher.clone(), &test["data"].to_string()) != (test["valid"] == true) {
                wrong.push(format!("{}: {}", case["id"], test["description"]));
            }
        }
    }
    (refused, wrong)
}

#[test]
fn valid_instances_are_accepted_and_invalid_ones_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/json-schema/maskbench_400.jsonl");
    let Ok(cases) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is absent", path.display());
        return;
    };
    // Exactly, or not at all.
    let (refused, wrong) = tell_apart(&cases, &json!({"lenient": false}));
    assert_eq!((refused, wrong.len()), (24, 0), "{wrong:?}");
    // As far as a grammar can: all are taken. An `if` and a `oneOf` let one instance each through, and one is refused for its `dependencies`.
    let (refused, wrong) = tell_apart(&cases, &json!({"lenient": true, "coerce_one_of": true}));
    assert_eq!((refused, wrong.len()), (0, 3), "{wrong:?}");
}
