//! The program as a user runs it: what it prints where, and with which exit code.
//!
//! Models are random and small. Tests that answer prompts need some Vulkan driver, and say so where there is none.

mod bench;
#[path = "../../../tests/checkpoint.rs"]
mod checkpoint;
mod convert;
mod door;
mod folder;
mod form;
mod origin;
mod refusals;
mod tune;

use std::fs;

use serde_json::{Value, json};

use folder::{Folder, has_device, package};

#[test]
fn compiling_writes_the_same_bytes_and_prints_the_memory_plan() {
    let folder = Folder::new("qwen3");
    let output = folder.run(&["compile", "source", "-o", "a.wasm", "--quantization", "q4f16_1", "--emit", "plan"]);
    let (plan, memory) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(plan.contains("entry decode"), "{plan}");
    for fact in ["weights", "KV cache a token", "peak activations", "library", "kernels"] {
        assert!(memory.contains(fact), "{fact} in {memory}");
    }
    folder.succeed(&["compile", "source/config.json", "-o", "b.wasm"]);
    assert_eq!(fs::read(folder.path("a.wasm")).unwrap(), fs::read(folder.path("b.wasm")).unwrap());
}

#[test]
fn what_is_supported_is_listed() {
    let folder = Folder::new("llama");
    let lines = folder.succeed(&["models"]);
    let line = lines.lines().find(|line| line.starts_with("qwen2 ")).unwrap();
    assert!(line.contains("Qwen2ForCausalLM") && line.contains("Qwen 2, 2.5"), "{line}");
    let all = folder.json(&["models", "--json"]);
    assert_eq!(all.as_array().unwrap().len() + 1, lines.lines().count(), "a line says what the columns are");
    let qwen2 = all.as_array().unwrap().iter().find(|one| one["model_type"] == "qwen2").unwrap();
    assert!(qwen2["aliases"].as_array().unwrap().contains(&"qwen2_vl".into()), "{qwen2}");
    for one in all.as_array().unwrap() {
        assert!(lines.contains(one["class"].as_str().unwrap()) && lines.contains(one["models"].as_str().unwrap()), "{one}");
    }
}

#[test]
fn int8_activations_are_asked_for_and_named() {
    let folder = Folder::new("llama");
    let facts = |args: &[&str]| {
        let output = folder.run(&[&["compile", "source", "-o", "lib.wasm"], args].concat());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(facts(&[]).starts_with("llama q4f16_1, float activations,"));
    assert!(facts(&["--activations", "int8"]).starts_with("llama q4f16_1, int8 activations,"));
    let plan = folder.succeed(&["compile", "source", "--activations", "int8", "--emit", "plan"]);
    assert!(
        plan.contains("variant baseline requires [], int8 activations") && plan.contains("layers.0.self_attn.o_proj.quantize"),
        "{plan}"
    );
    assert!(plan.contains("variant matrix requires [subgroups, f16]\n"), "{plan}");
    let error = folder.fail(&["compile", "source", "-o", "no.wasm", "--quantization", "q0f16", "--activations", "int8"]);
    assert!(error.contains("`activations`") && error.contains("q4f16_1 and q4f32_1"), "{error}");
    assert!(!folder.path("no.wasm").exists());
    if !has_device(&folder) {
        return;
    }
    let bench = |more: &[&'static str]| {
        let args =
            ["bench", "source/config.json", "--random-weights", "--prompt-tokens", "20", "--decode-tokens", "4", "--baseline", "--json"];
        folder.json(&[&args[..], more].concat())["activations"].clone()
    };
    assert_eq!([bench(&[]), bench(&["--activations", "int8"]), bench(&["--library", "lib.wasm"])], ["float", "int8", "int8"]);
}

#[test]
fn an_answer_is_the_same_streamed_as_json_and_with_a_compiled_library() {
    let folder = package("q4f16_1");
    if !has_device(&folder) {
        return;
    }
    let common = ["run", "package", "--prompt-ids", "5,17,101", "--temperature", "0", "--max-tokens", "6"];
    let with = |more: &[&'static str]| [&common[..], more].concat();
    let answer = folder.json(&with(&["--json"]));
    let keys: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["text", "token_ids", "prompt_token_ids", "finish_reason", "usage", "system_fingerprint"]);
    assert_eq!(answer["prompt_token_ids"], json!([5, 17, 101]));
    let ids = answer["token_ids"].as_array().unwrap();
    assert_eq!(answer["usage"]["prompt_tokens"], 3);
    assert_eq!(answer["usage"]["completion_tokens"], ids.len());
    assert_eq!(answer["finish_reason"], if ids.len() == 6 { "length" } else { "stop" });

    // Without a tokenizer the answer is its ids.
    let line = ids.iter().map(Value::to_string).collect::<Vec<_>>().join(",");
    assert_eq!(folder.succeed(&common), format!("{line}\n"));
    folder.succeed(&["compile", "package", "-o", "lib.wasm"]);
    for other in [&["--json", "--library", "lib.wasm"][..], &["--json", "--baseline"]] {
        assert_eq!(folder.json(&with(other))["token_ids"], answer["token_ids"], "{other:?}");
    }
}

#[test]
fn a_seed_repeats_an_answer() {
    let folder = package("q0f32");
    if !has_device(&folder) {
        return;
    }
    let ids = |seed: &str| {
        let args =
            ["run", "package", "--prompt-ids", "5", "--temperature", "1", "--top-p", "1", "--max-tokens", "12", "--seed", seed, "--json"];
        folder.json(&args)["token_ids"].clone()
    };
    assert_eq!(ids("7"), ids("7"));
    assert_ne!(ids("7"), ids("8"));
}

#[test]
fn f32_precision_is_asked_for_by_name_and_has_a_library_of_its_own() {
    let folder = package("q4f16_1");
    if !has_device(&folder) {
        return;
    }
    let run = ["run", "package", "--prompt-ids", "5", "--seed", "7", "--max-tokens", "4", "--json"];
    let with = |more: &[&'static str]| [&run[..], more].concat();
    let (auto, precise) = (folder.json(&run), folder.json(&with(&["--precision", "f32"])));
    let fingerprint = |answer: &Value| answer["system_fingerprint"].as_str().unwrap().to_owned();
    assert!(fingerprint(&auto).starts_with("fp_"));
    assert_ne!(fingerprint(&auto), fingerprint(&precise));
    // What `compile` writes is the library that `run` makes for itself.
    folder.succeed(&["compile", "package", "--precision", "f32", "-o", "f32.wasm"]);
    let own = folder.json(&with(&["--library", "f32.wasm", "--precision", "f32", "--baseline"]));
    assert_eq!((fingerprint(&own), &own["token_ids"]), (fingerprint(&precise), &precise["token_ids"]));
    folder.succeed(&["compile", "package", "-o", "auto.wasm"]);
    let error = folder.fail(&with(&["--library", "auto.wasm", "--precision", "f32"]));
    assert!(error.contains("keeps keys and values in 16 bits") && error.contains("--precision f32"), "{error}");
    let error = String::from_utf8(folder.run(&with(&["--precision", "f64"])).stderr).unwrap();
    assert!(error.contains("auto, f32"), "{error}");
}

#[test]
fn logits_are_the_same_through_prefill_and_decode() {
    let folder = package("q0f32");
    if !has_device(&folder) {
        return;
    }
    let logits = |more: &[&'static str]| folder.json(&[&["logits", "package", "--ids", "1,2,3,250,7", "--json"], more].concat());
    let (whole, chunks, single) = (logits(&[]), logits(&["--prefill-chunk-size", "2"]), logits(&["--through", "decode"]));
    assert_eq!(whole["positions"].as_array().unwrap().len(), 5);
    assert_eq!(whole["positions"][0]["top"].as_array().unwrap().len(), 8);
    let last = |value: &Value| value["last"].as_array().unwrap().iter().map(|logit| logit.as_f64().unwrap()).collect::<Vec<_>>();
    let expected = last(&whole);
    assert_eq!(expected.len(), 259);
    for other in [chunks, single] {
        let worst = last(&other).iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst <= 1e-4, "{worst:e}");
        let ids = |value: &Value| value["positions"][4]["top"][0][0].clone();
        assert_eq!(ids(&other), ids(&whole));
    }
}

#[test]
fn a_compiled_library_is_cached() {
    let folder = package("q4f16_1");
    if !has_device(&folder) {
        return;
    }
    let run = || folder.succeed(&["run", "package", "--prompt-ids", "5", "--temperature", "0", "--max-tokens", "1"]);
    let libraries = || fs::read_dir(folder.path("cache/tegula/libraries")).unwrap().count();
    run();
    assert_eq!(libraries(), 1);
    run();
    assert_eq!(libraries(), 1);
}
