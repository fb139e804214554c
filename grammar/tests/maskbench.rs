//! Real JSON schemas with instances that are valid or not, from MaskBench: how many are told apart.
//!
//! The schemas are not part of the repository. Without them the test says so and ends.

use std::path::Path;

use serde_json::Value;
use tegula_grammar::{Kind, Matcher, Vocabulary};

/// All single bytes, and a token that ends.
fn bytes() -> Vocabulary {
    let words: Vec<u8> = (0..=255).collect();
    let mut lengths = vec![1; 256];
    lengths.push(0);
    Vocabulary::new(&words, &lengths, &[], &[256]).expect("the last token ends")
}

fn accepts(mut matcher: Matcher, text: &str) -> bool {
    text.bytes().all(|byte| matcher.take(byte.into()).unwrap_or(false)) && matcher.may_end()
}

#[test]
fn valid_instances_are_accepted_and_invalid_ones_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/json-schema/maskbench_400.jsonl");
    let Ok(cases) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is absent", path.display());
        return;
    };
    let vocabulary = bytes();
    let (mut refused, mut valid, mut invalid, mut wrong) = (Vec::new(), [0, 0], [0, 0], Vec::new());
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).expect("a case");
        let id = case["id"].as_str().expect("an id");
        let mut schema = case["schema"].clone();
        if std::env::var("COERCE").is_ok() && schema.is_object() {
            schema["x-guidance"] = serde_json::json!({"coerce_one_of": true, "whitespace_pattern": "[ \\n\\r\\t]{1,32}"});
        }
        match vocabulary.compile(Kind::Json, &schema.to_string()) {
            Err(error) => refused.push(format!("{id}: {error}")),
            Ok(matcher) => {
                for test in case["tests"].as_array().expect("tests") {
                    let expected = test["valid"] == true;
                    let counts = if expected { &mut valid } else { &mut invalid };
                    counts[0] += 1;
                    if accepts(matcher.clone(), &test["data"].to_string()) == expected {
                        counts[1] += 1;
                    } else {
                        wrong.push(format!("{id} {expected} {}", test["description"]));
                    }
                }
            }
        }
    }
    println!(
        "{} schemas are refused; of {} valid instances {} are accepted, of {} invalid ones {} are refused",
        refused.len(),
        valid[0],
        valid[1],
        invalid[0],
        invalid[1]
    );
    for line in refused.iter().chain(&wrong) {
        println!("{line}");
    }
}
