//! The search: its records, and libraries that are compiled by them.

use std::fs;

use tegula_compiler::tune::{Record, Records};

use crate::folder::{Folder, has_device};

fn parsed(records: &str) -> Vec<Record> {
    Records::parse("found.txt", records).unwrap().list
}

#[test]
fn tuning_writes_records_that_a_report_shows_and_a_second_run_keeps() {
    let folder = Folder::new("llama");
    if !has_device(&folder) {
        return;
    }
    let tune = ["tune", "source", "--spec", "argmax_parts", "--records", "found.txt", "--budget"];
    let table = folder.succeed(&[&tune[..], &["30"]].concat());
    let records = fs::read_to_string(folder.path("found.txt")).unwrap();
    let list = parsed(&records);
    assert!(!list.is_empty() && table.lines().count() == 1 + list.len(), "{table}");
    for record in list {
        assert!(record.spec.starts_with("argmax_parts vocab="), "{record:?}");
        assert!(record.microseconds > 0.0 && record.source.len() == 16, "{record:?}");
    }
    assert_eq!(folder.succeed(&["tune", "--report", "--records", "found.txt"]), table);
    // Nothing is left to do; with damage in the file nothing is done.
    folder.succeed(&[&tune[..], &["30"]].concat());
    assert_eq!(fs::read_to_string(folder.path("found.txt")).unwrap(), records);
    fs::write(folder.path("found.txt"), format!("{records}  broken\n")).unwrap();
    let error = folder.fail(&[&tune[..], &["30"]].concat());
    assert!(error.contains(&format!("found.txt:{}: ", 1 + records.lines().count())), "{error}");
}

#[test]
fn products_of_bytes_are_searched_where_they_are_asked_for() {
    let folder = Folder::new("llama");
    if !has_device(&folder) {
        return;
    }
    let tune = ["tune", "source", "--spec", "quantize", "--records", "found.txt", "--budget", "20", "--baseline"];
    assert!(folder.fail(&tune).contains("nothing to measure"));
    let table = folder.succeed(&[&tune[..], &["--activations", "int8"]].concat());
    let records = fs::read_to_string(folder.path("found.txt")).unwrap();
    let list = parsed(&records);
    assert!(!list.is_empty() && table.lines().count() == 1 + list.len(), "{table}");
    for record in list {
        assert!(record.spec.starts_with("quantize k="), "{record:?}");
        assert!(record.schedule.starts_with("quantize/rows"), "{record:?}");
    }
}

#[test]
fn a_library_is_compiled_by_records_of_ones_own() {
    let folder = Folder::new("llama");
    if !has_device(&folder) {
        return;
    }
    folder.succeed(&["tune", "source", "--spec", "argmax_parts", "--records", "found.txt", "--budget", "30"]);
    let records = fs::read_to_string(folder.path("found.txt")).unwrap();
    let list = parsed(&records);
    let mut record = list[0].clone();
    let device = record.device.clone();
    let compile = |file: &str| {
        let output = folder.run(&["compile", "source", "--emit", "plan", "--device", &device, "--records", file]);
        let (plan, facts) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let tally = facts.lines().find(|line| line.starts_with("schedules ")).unwrap_or_else(|| panic!("{facts}"));
        let counts: Vec<usize> = tally.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        (plan, counts)
    };
    let (_, counts) = compile("found.txt");
    assert!(counts.len() == 4 && counts[0] >= list.len(), "{counts:?}");
    // Without records all is by default, whatever comes with the program.
    fs::write(folder.path("none.txt"), "").unwrap();
    let (plan, none) = compile("none.txt");
    assert_eq!(none, [0, 0, 0, counts.iter().sum()]);
    // The default may have won: what is not the default shows in the plan.
    let other = record.measured().map(|(name, _)| name).find(|name| *name != record.default).unwrap().to_owned();
    record.schedule = other.clone();
    fs::write(folder.path("other.txt"), record.to_text(None)).unwrap();
    let kernel = format!(": {other} (shader ");
    assert!(compile("other.txt").0.contains(&kernel) && !plan.contains(&kernel), "{other}");
}

#[test]
fn damaged_records_are_named_with_the_line() {
    let folder = Folder::new("llama");
    fs::write(folder.path("own.txt"), "\n{\"spec\": 1}\n").unwrap();
    let error = folder.fail(&["compile", "source", "-o", "a.wasm", "--records", "own.txt"]);
    assert!(error.contains("own.txt:2: "), "{error}");
    let error = folder.fail(&["compile", "source", "-o", "a.wasm", "--records", "missing.txt"]);
    assert!(error.contains("missing.txt"), "{error}");
    assert!(!folder.path("a.wasm").exists());
}

#[test]
fn a_frozen_library_needs_records_and_names_what_has_none() {
    let folder = Folder::new("llama");
    let error = folder.fail(&["compile", "source", "-o", "a.wasm", "--frozen", "--device", "a device that nobody has"]);
    assert!(error.contains("no search record for `") && error.contains("a device that nobody has"), "{error}");
    assert!(!folder.path("a.wasm").exists());
}
