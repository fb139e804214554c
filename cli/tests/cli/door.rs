//! What a new user meets first: Hugging Face folders, prompts from arguments and stdin, and messages for paths that are no model.

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::folder::{Folder, has_device, package};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs the program with something on stdin.
fn fed(folder: &Folder, args: &[&str], stdin: &[u8]) -> Output {
    let mut child = folder.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have ended by now, which is no fault of what is tested.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

/// A tokenizer that knows these texts, each as a whole, by ids from 1 on.
fn know(folder: &Folder, texts: &[&str]) {
    let vocabulary: serde_json::Map<String, Value> = texts.iter().zip(1..).map(|(text, id)| ((*text).to_owned(), json!(id))).collect();
    let mut vocabulary = Value::Object(vocabulary);
    vocabulary["?"] = json!(0);
    let tokenizer = json!({"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null, "pre_tokenizer": null,
        "post_processor": null, "decoder": null, "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "?"}});
    fs::write(folder.path("source/tokenizer.json"), tokenizer.to_string()).unwrap();
}

/// States of packages that are kept.
fn kept(folder: &Folder) -> Vec<String> {
    let names = |path: &str| -> Vec<String> {
        let entries = fs::read_dir(folder.path(path)).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    };
    let top = "cache/tegula/packages";
    names(top).iter().flat_map(|name| names(&format!("{top}/{name}")).into_iter().map(move |state| format!("{name}/{state}"))).collect()
}

#[test]
fn a_hugging_face_folder_is_converted_once_and_kept() {
    let folder = package("q4f16_1");
    if !has_device(&folder) {
        return;
    }
    let logits = |model: &str, more: &[&str]| folder.run(&[&["logits", model, "--ids", "5,17,101"], more].concat());
    let first = logits("source", &[]);
    let said = text(&first.stderr);
    let there = kept(&folder);
    assert_eq!(there.len(), 1, "{said}");
    for word in ["kept in ", there[0].as_str(), "1 shard,", "KiB", "tegula convert"] {
        assert!(said.contains(word), "{word} in {said}");
    }
    assert_eq!(text(&first.stdout), text(&logits("package", &[]).stdout), "as `tegula convert` makes it");
    let second = logits("source", &[]);
    assert_eq!((text(&second.stdout), text(&second.stderr)), (text(&first.stdout), String::new()), "nothing is converted again");

    // Another quantization is another package; the same folder, changed, takes the place of the old one.
    assert_ne!(text(&logits("source", &["--quantization", "q0f32"]).stdout), text(&first.stdout));
    assert_eq!(kept(&folder).len(), 2);
    folder.edit("source/config.json", |config| config["rope_theta"] = json!(20000.0));
    assert_ne!(text(&logits("source", &[]).stdout), text(&first.stdout));
    let now = kept(&folder);
    assert!(now.len() == 2 && !now.contains(&there[0]), "{now:?}");

    // A shard that is missing is made again; one that is damaged is named, and made again then.
    let state = now.iter().find(|state| state.contains("q4f16_1")).unwrap();
    let shard = folder.path(&format!("cache/tegula/packages/{state}/params_shard_0.bin"));
    for file in ["params_shard_0.bin", "tensor-cache.json"] {
        fs::remove_file(shard.with_file_name(file)).unwrap();
        assert!(logits("source", &[]).status.success() && shard.exists());
    }
    let mut bytes = fs::read(&shard).unwrap();
    bytes[100] ^= 1;
    fs::write(&shard, bytes).unwrap();
    assert!(folder.fail(&["logits", "source", "--ids", "5"]).contains("run the command again"));
    assert!(logits("source", &[]).status.success());
    assert!(folder.succeed(&["bench", "source", "--prompt-tokens", "8", "--decode-tokens", "2", "--repetitions", "1"]).contains("llama"));
}

#[test]
fn what_cannot_be_converted_says_why_and_how_to_convert() {
    let folder = Folder::new("llama");
    if !has_device(&folder) {
        return;
    }
    folder.edit("source/config.json", |config| config["intermediate_size"] = 80.into());
    let error = folder.fail(&["run", "source", "hi", "--quantization", "q0f16"]);
    for word in ["tegula convert source -o PKG --quantization q0f16", "because: ", "mlp."] {
        assert!(error.contains(word), "{word} in {error}");
    }
    // The folder cannot be made: the cache is a file.
    let folder = Folder::new("llama");
    fs::write(folder.path("cache"), "").unwrap();
    assert!(folder.fail(&["run", "source", "hi"]).contains("tegula convert source -o PKG"));
    assert!(kept(&folder).is_empty());
}

#[test]
fn what_is_no_model_is_named_before_a_device_is_looked_for() {
    let folder = Folder::new("llama");
    fs::create_dir(folder.path("gguf")).unwrap();
    fs::write(folder.path("gguf/model.gguf"), "GGUF").unwrap();
    for (model, word) in [
        ("Qwen/Qwen3-0.6B", "hf download Qwen/Qwen3-0.6B --local-dir Qwen3-0.6B"),
        ("https://huggingface.co/Qwen/Qwen3-0.6B", "hf download Qwen/Qwen3-0.6B --local-dir Qwen3-0.6B"),
        ("missing", "there is no `missing`"),
        ("gguf", "config.json"),
        ("gguf/model.gguf", "config.json"),
        ("source/model.safetensors", "give the folder"),
        (".", "source in it"),
    ] {
        for args in [&["run", model, "hi"][..], &["chat", model], &["logits", model, "--ids", "1"], &["bench", model]] {
            let error = folder.fail(args);
            assert!(error.contains(word), "{word} in {error}");
        }
    }
}

#[test]
fn a_prompt_is_words_or_stdin_or_both() {
    let folder = Folder::new("llama");
    know(&folder, &["first", "second", "first\n\nsecond", "second\n\nfirst", "two words"]);
    if !has_device(&folder) {
        return;
    }
    let ids = |args: &[&str], stdin: &str| {
        let output = fed(&folder, &[&["run", "source", "--raw", "--max-tokens", "1", "--json"], args].concat(), stdin.as_bytes());
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["prompt_token_ids"].clone()
    };
    assert_eq!(ids(&["first"], ""), json!([1]));
    assert_eq!(ids(&["two", "words"], ""), json!([5]));
    for none in [&[][..], &["-"]] {
        assert_eq!(ids(none, "first\n"), json!([1]));
    }
    assert_eq!(ids(&["second"], "first\r\n"), json!([3]), "stdin comes first");
    assert_eq!(ids(&["second", "-"], "first"), json!([4]));
    assert_eq!(ids(&["--prompt", "second"], "first"), json!([2]), "stdin is not read");
}

#[test]
fn a_prompt_that_is_missing_is_wrong_usage_with_an_example() {
    let folder = Folder::new("llama");
    // Nothing of it needs a model, and so there is none.
    for (args, stdin) in
        [(&["run", "none"][..], ""), (&["run", "none", "-"], "\n"), (&["run", "none", ""], ""), (&["run", "none", " "], "")]
    {
        let output = fed(&folder, args, stdin.as_bytes());
        let error = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{args:?}: {error}");
        assert!(error.contains("empty") && error.contains("tegula run MODEL \"Why"), "{error}");
    }
    let output = fed(&folder, &["run", "none"], b"caf\xe9");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("not UTF-8 text: byte 3 (0xe9)"), "{}", text(&output.stderr));
    for args in [&["run", "none", "hi", "--max-tokens", "0"][..], &["chat", "none", "--temperature", "-1"], &["run", "none", "-", "-"]] {
        assert_eq!(folder.run(args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn a_prompt_that_cannot_be_run_is_refused_before_the_weights() {
    let folder = package("q4f16_1");
    if !has_device(&folder) {
        return;
    }
    // Whoever reads the weights fails.
    fs::remove_file(folder.path("package/params_shard_0.bin")).unwrap();
    assert!(folder.fail(&["run", "package", "--prompt-ids", "1"]).contains("params_shard_0.bin"));
    assert!(folder.fail(&["run", "package", "--prompt-ids", "300"]).contains("token id 300"));
    assert!(folder.fail(&["logits", "package", "--ids", "300"]).contains("token id 300"));
    assert!(folder.fail(&["run", "package", "hi"]).contains("tokenizer.json"));
    assert!(folder.fail(&["run", "package", "--prompt-ids", &["5"; 256].join(",")]).contains("256 tokens"));
    assert!(folder.fail(&["chat", "package"]).contains("cannot chat"));
}

#[test]
fn a_device_that_is_not_there_is_answered_with_those_that_are() {
    let folder = package("q4f16_1");
    let error = folder.fail(&["compile", "package", "-o", "lib.wasm", "--device", "NOPE"]);
    assert!(error.contains("NOPE") && error.contains("NVIDIA H200"), "{error}");
    assert!(!folder.path("lib.wasm").exists());
    if !has_device(&folder) {
        return;
    }
    let all = folder.json(&["devices", "--json"]);
    for flag in ["--device", "--adapter"] {
        let error = folder.fail(&["run", "package", "--prompt-ids", "1", flag, "NOPE"]);
        for device in all.as_array().unwrap() {
            assert!(error.contains(device["name"].as_str().unwrap()), "{error}");
        }
    }
}

#[test]
fn a_context_beyond_the_models_is_warned_of() {
    let folder = Folder::new("llama");
    let said = |args: &[&str]| text(&folder.run(&[&["compile", "source", "-o", "lib.wasm"], args].concat()).stderr);
    assert!(!said(&["--context-window-size", "256"]).contains("warning"));
    let warning = said(&["--context-window-size", "512"]);
    assert!(warning.starts_with("warning: --context-window-size 512 is beyond the 256 tokens"), "{warning}");
    folder.edit("source/config.json", |config| config["rope_scaling"] = json!({"rope_type": "linear", "factor": 2.0}));
    assert!(!said(&["--context-window-size", "512"]).contains("warning"));
}

#[test]
fn who_stops_reading_is_no_failure_and_drivers_are_quiet() {
    let folder = Folder::new("llama");
    let mut child = folder.command(&["compile", "source", "-o", "lib.wasm"]).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
    let devices = folder.run(&["devices", "--json"]);
    assert_eq!(text(&devices.stderr), "");
}

#[test]
fn a_short_search_names_a_budget_and_leaves_no_file() {
    let folder = Folder::new("llama");
    if !has_device(&folder) {
        return;
    }
    let output = folder.run(&["tune", "source", "--spec", "argmax_parts", "--budget", "0.001", "--records", "found.txt"]);
    let said = text(&output.stderr);
    assert!(output.status.success() && said.contains("0.001 s are too short: 2 specs") && said.contains("--budget "), "{said}");
    assert!(!folder.path("found.txt").exists());
    let error = folder.fail(&["tune", "source", "--spec", "argmax_parts", "--records", "no/such/folder.txt"]);
    assert!(error.contains("cannot write no/such/folder.txt"), "{error}");
}
