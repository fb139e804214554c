//! What the program says of bad input: each refusal names what is wrong.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::folder::{Folder, has_device, package};

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| data.is_file() && data.len() > 0)
}

#[test]
fn wrong_usage_has_exit_code_2() {
    let folder = Folder::new("llama");
    for args in [&["frobnicate"][..], &["run", "package"], &["logits", "package", "--ids", "one"], &["bench", "m", "--prompt-tokens", "0"]]
    {
        let output = folder.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn an_unknown_architecture_is_answered_with_the_reason_and_the_nearest() {
    let folder = Folder::new("llama");
    folder.edit("source/config.json", |config| {
        config["model_type"] = "qwen3_moe".into();
        config["architectures"] = json!(["Qwen3MoeForCausalLM"]);
    });
    let error = folder.fail(&["compile", "source", "-o", "lib.wasm"]);
    for name in ["`qwen3_moe`", "mixture of experts", "`qwen3`", "`tegula models`"] {
        assert!(error.contains(name), "{name} in {error}");
    }
    assert!(!folder.path("lib.wasm").exists());
    folder.fail(&["convert", "source", "-o", "package"]);
    assert!(!folder.path("package").exists());
}

#[test]
fn a_missing_or_misshapen_tensor_is_named() {
    let folder = Folder::new("llama");
    folder.edit("source/config.json", |config| config["intermediate_size"] = 80.into());
    let error = folder.fail(&["convert", "source", "-o", "package"]);
    assert!(error.contains("mlp.") && error.contains("76") && error.contains("80"), "{error}");
    assert!(!folder.path("package").exists());

    let folder = Folder::new("llama");
    folder.edit("source/config.json", |config| config["num_hidden_layers"] = 3.into());
    let error = folder.fail(&["convert", "source", "-o", "package"]);
    assert!(error.contains("model.layers.2."), "{error}");
}

#[test]
fn a_damaged_shard_is_named_with_both_hashes() {
    let folder = package("q0f32");
    if !has_device(&folder) {
        return;
    }
    let shard = folder.path("package/params_shard_0.bin");
    let whole = fs::read(&shard).unwrap();
    let manifest: Value = serde_json::from_slice(&fs::read(folder.path("package/tensor-cache.json")).unwrap()).unwrap();
    let hash = manifest["records"][0]["md5sum"].as_str().unwrap();
    let run = ["run", "package", "--prompt-ids", "5", "--max-tokens", "1"];

    let mut damaged = whole.clone();
    damaged[1000] ^= 1;
    fs::write(&shard, damaged).unwrap();
    let error = folder.fail(&run);
    assert!(error.contains("params_shard_0.bin") && error.contains(hash), "{error}");

    fs::write(&shard, &whole[..whole.len() - 4]).unwrap();
    let error = folder.fail(&run);
    assert!(error.contains("params_shard_0.bin") && error.contains(&whole.len().to_string()), "{error}");
}

#[test]
fn a_library_that_does_not_fit_is_refused() {
    let folder = package("q4f16_1");
    if !has_device(&folder) {
        return;
    }
    let run = ["run", "package", "--prompt-ids", "5", "--max-tokens", "1", "--library", "lib.wasm"];
    folder.succeed(&["compile", "source", "-o", "lib.wasm", "--quantization", "q0f32"]);
    let error = folder.fail(&run);
    assert!(error.contains("model.") && error.contains("library"), "{error}");

    fs::write(folder.path("lib.wasm"), b"no library").unwrap();
    assert!(folder.fail(&run).contains("not a Tegula model library"));

    // The version is the body of a custom section of its own.
    folder.succeed(&["compile", "package", "-o", "lib.wasm"]);
    let mut library = fs::read(folder.path("lib.wasm")).unwrap();
    let name = b"tegula.version";
    let at = library.windows(name.len()).position(|window| window == name).unwrap() + name.len();
    library[at] = 99;
    fs::write(folder.path("lib.wasm"), library).unwrap();
    let error = folder.fail(&run);
    assert!(error.contains("version 99"), "{error}");
}

#[test]
fn a_prompt_beyond_the_context_says_both_lengths() {
    let folder = package("q4f16_1");
    if !has_device(&folder) {
        return;
    }
    let prompt = vec!["5"; 40].join(",");
    let error = folder.fail(&["run", "package", "--prompt-ids", &prompt, "--context-window-size", "32"]);
    assert!(error.contains("40") && error.contains("32"), "{error}");
    let error = folder.fail(&["run", "package", "--prompt-ids", "300"]);
    assert!(error.contains("300") && error.contains("259"), "{error}");
}

#[test]
fn without_an_adapter_the_reason_is_given() {
    let folder = package("q4f16_1");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tegula"));
    command.args(["run", "package", "--prompt-ids", "5", "--adapter", "no such adapter"]).current_dir(folder.path("."));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("no GPU adapter"), "{error}");
}

#[test]
fn text_needs_a_tokenizer_and_ids_do_not() {
    let folder = package("q4f16_1");
    let error = folder.fail(&["tokenize", "package", "text"]);
    assert!(error.contains("tokenizer.json"), "{error}");
    if has_device(&folder) {
        let error = folder.fail(&["run", "package", "--raw", "--prompt", "text"]);
        assert!(error.contains("tokenizer"), "{error}");
    }
    assert!(is_file(&folder.path("package/mlc-chat-config.json")));
}
