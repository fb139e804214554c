//! The search: its records, and libraries that are compiled by them.

use std::fs;

use serde_json::{Value, json};

use crate::folder::{Folder, has_device};

#[test]
fn tuning_writes_records_that_a_report_shows_and_a_second_run_keeps() {
    let folder = Folder::new("llama");
    if !has_device(&folder) {
        return;
    }
    let tune = ["tune", "source", "--spec", "argmax_parts", "--records", "found.jsonl", "--budget"];
    let table = folder.succeed(&[&tune[..], &["30"]].concat());
    let records = fs::read_to_string(folder.path("found.jsonl")).unwrap();
    assert!(!records.is_empty() && table.lines().count() == 1 + records.lines().count(), "{table}");
    for line in records.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert!(record["spec"].as_str().unwrap().starts_with("argmax_parts vocab="), "{record}");
        assert!(record["microseconds"].as_f64().unwrap() > 0.0 && record["source"].as_str().unwrap().len() == 16, "{record}");
    }
    assert_eq!(folder.succeed(&["tune", "--report", "--records", "found.jsonl"]), table);
    // Nothing is left to do; with damage in the file nothing is done.
    folder.succeed(&[&tune[..], &["30"]].concat());
    assert_eq!(fs::read_to_string(folder.path("found.jsonl")).unwrap(), records);
    fs::write(folder.path("found.jsonl"), format!("{records}{{\n")).unwrap();
    let error = folder.fail(&[&tune[..], &["30"]].concat());
    assert!(error.contains(&format!("found.jsonl:{}: ", 1 + records.lines().count())), "{error}");
}

#[test]
fn products_of_bytes_are_searched_where_they_are_asked_for() {
    let folder = Folder::new("llama");
    if !has_device(&folder) {
        return;
    }
    let tune = ["tune", "source", "--spec", "quantize", "--records", "found.jsonl", "--budget", "20", "--baseline"];
    assert!(folder.fail(&tune).contains("nothing to measure"));
    let table = folder.succeed(&[&tune[..], &["--activations", "int8"]].concat());
    let records = fs::read_to_string(folder.path("found.jsonl")).unwrap();
    assert!(!records.is_empty() && table.lines().count() == 1 + records.lines().count(), "{table}");
    for line in records.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert!(record["spec"].as_str().unwrap().starts_with("quantize k="), "{record}");
        assert!(record["schedule"].as_str().unwrap().starts_with("quantize/rows"), "{record}");
    }
}

#[test]
fn a_library_is_compiled_by_records_of_ones_own() {
    let folder = Folder::new("llama");
    if !has_device(&folder) {
        return;
    }
    folder.succeed(&["tune", "source", "--spec", "argmax_parts", "--records", "found.jsonl", "--budget", "30"]);
    let records = fs::read_to_string(folder.path("found.jsonl")).unwrap();
    let mut record: Value = serde_json::from_str(records.lines().next().unwrap()).unwrap();
    let device = record["device"].as_str().unwrap().to_owned();
    let compile = |file: &str| {
        let output = folder.run(&["compile", "source", "--emit", "plan", "--device", &device, "--records", file]);
        let (plan, facts) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let tally = facts.lines().find(|line| line.starts_with("schedules ")).unwrap_or_else(|| panic!("{facts}"));
        let counts: Vec<usize> = tally.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        (plan, counts)
    };
    let (_, counts) = compile("found.jsonl");
    assert!(counts.len() == 4 && counts[0] >= records.lines().count(), "{counts:?}");
    // Without records all is by default, whatever comes with the program.
    fs::write(folder.path("none.jsonl"), "").unwrap();
    let (plan, none) = compile("none.jsonl");
    assert_eq!(none, [0, 0, 0, counts.iter().sum()]);
    // The default may have won: what is not the default shows in the plan.
    let mut schedules = record["others"].as_object().unwrap().keys().map(String::as_str).chain(record["schedule"].as_str());
    let other = schedules.find(|name| record["default"] != *name).unwrap().to_owned();
    record["schedule"] = json!(other);
    fs::write(folder.path("other.jsonl"), record.to_string()).unwrap();
    let kernel = format!(": {other} (shader ");
    assert!(compile("other.jsonl").0.contains(&kernel) && !plan.contains(&kernel), "{other}");
}

#[test]
fn damaged_records_are_named_with_the_line() {
    let folder = Folder::new("llama");
    fs::write(folder.path("own.jsonl"), "\n{\"spec\": 1}\n").unwrap();
    let error = folder.fail(&["compile", "source", "-o", "a.wasm", "--records", "own.jsonl"]);
    assert!(error.contains("own.jsonl:2: "), "{error}");
    let error = folder.fail(&["compile", "source", "-o", "a.wasm", "--records", "missing.jsonl"]);
    assert!(error.contains("missing.jsonl"), "{error}");
    assert!(!folder.path("a.wasm").exists());
}

#[test]
fn a_frozen_library_needs_records_and_names_what_has_none() {
    let folder = Folder::new("llama");
    let error = folder.fail(&["compile", "source", "-o", "a.wasm", "--frozen", "--device", "a device that nobody has"]);
    assert!(error.contains("no search record for `") && error.contains("a device that nobody has"), "{error}");
    assert!(!folder.path("a.wasm").exists());
}
