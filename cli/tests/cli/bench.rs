//! `tegula bench`: what it measures without a package, and of several prompts and batches.

use serde_json::Value;

use crate::folder::{Folder, has_device};

#[test]
fn random_weights_are_measured_without_a_package() {
    let folder = Folder::new("llama");
    if !has_device(&folder) {
        return;
    }
    let args = [
        "bench",
        "source/config.json",
        "--random-weights",
        "--prompt-tokens",
        "20",
        "--decode-tokens",
        "8",
        "--repetitions",
        "1",
        "--json",
    ];
    let bench = folder.json(&args);
    for field in
        ["prefill_tokens_per_second", "decode_tokens_per_second", "dispatches_per_step", "bytes_per_step", "stream_bytes_per_second"]
    {
        assert!(bench[field].as_f64().is_some_and(|figure| figure > 0.0), "{field} in {bench}");
    }
    for share in ["fraction_of_stream", "host_share"] {
        assert!(bench[share].as_f64().is_some_and(|share| share > 0.0), "{share} in {bench}");
    }
    assert!(bench["adapter"].is_string());
    assert!(folder.fail(&["bench", "source/config.json"]).contains("--random-weights"));
}

#[test]
fn every_prompt_is_measured_with_every_batch() {
    let folder = Folder::new("llama");
    if !has_device(&folder) {
        return;
    }
    let common = ["bench", "source/config.json", "--random-weights", "--decode-tokens", "4", "--repetitions", "1", "--contexts", "20,8"];
    let with = |more: &[&'static str]| [&common[..], more].concat();
    let lines = folder.succeed(&with(&["--batches", "1,6", "--json"]));
    let measured: Vec<_> = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect();
    let workloads: Vec<_> =
        measured.iter().map(|line| [&line["prompt_tokens"], &line["batch"]].map(|value| value.as_u64().unwrap())).collect();
    assert_eq!(workloads, [[8, 1], [8, 6], [20, 1], [20, 6]]);
    assert!(measured[1]["bytes_per_step"].as_u64() > measured[0]["bytes_per_step"].as_u64(), "six caches are more than one");

    let table = folder.succeed(&common);
    assert_eq!(table.lines().count(), 4, "what holds for all, the columns, two prompts: {table}");
    assert!(folder.fail(&with(&["--batches", "6", "--max-batch-size", "2"])).contains("batch"));
}
