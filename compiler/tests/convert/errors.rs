//! What stops a conversion, and what it says.

use crate::checkpoints::{Element, Folder, config, number, tensors};
use crate::{converted, options, run};
use serde_json::json;
use tegula_compiler::Error;
use tegula_compiler::convert::ConvertOptions;
use tegula_package::ErrorKind;

/// What the conversion of a folder fails with; nothing is left of it.
fn failure(folder: &Folder, options: &ConvertOptions) -> Error {
    let output = folder.beside("package");
    let error = run(folder.path(), &output, options).unwrap_err();
    assert_eq!(folder.neighbours(), ["checkpoint"], "after {error}");
    error
}

#[test]
fn tensors_that_do_not_fit_the_config_are_named() {
    let mut missing = tensors(Element::F32);
    missing.retain(|tensor| tensor.name != "model.layers.1.self_attn.k_proj.weight");
    let error = failure(&Folder::in_files(&config(&[]), &missing, 2), &options("q0f32"));
    assert!(matches!(error.package().unwrap(), ErrorKind::MissingTensor { name, .. } if name == "model.layers.1.self_attn.k_proj.weight"));
    assert!(error.to_string().contains("model-00001-of-00002.safetensors, model-00002-of-00002.safetensors"), "{error}");

    let mut headless = tensors(Element::F32);
    headless.retain(|tensor| tensor.name != "lm_head.weight");
    let error = failure(&Folder::new(&config(&[]), &headless), &options("q0f32"));
    assert!(matches!(error.package().unwrap(), ErrorKind::MissingTensor { name, .. } if name == "lm_head.weight"), "{error}");

    let mut misshapen = tensors(Element::F32);
    misshapen.iter_mut().find(|tensor| tensor.name == "model.layers.0.mlp.up_proj.weight").unwrap().shape = vec![64, 172];
    let error = failure(&Folder::new(&config(&[]), &misshapen), &options("q0f32"));
    assert!(
        matches!(error.package().unwrap(), ErrorKind::TensorShape { expected, found, .. } if expected == &[172, 64] && found == &[64, 172])
    );
    assert!(error.to_string().contains("model.layers.0.mlp.up_proj.weight"), "{error}");

    let mut typed = tensors(Element::F32);
    typed.iter_mut().find(|tensor| tensor.name == "lm_head.weight").unwrap().element = Element::I32;
    let error = failure(&Folder::new(&config(&[]), &typed), &options("q0f32"));
    assert!(
        matches!(error.package().unwrap(), ErrorKind::TensorType { name, found } if name == "lm_head.weight" && found == "I32"),
        "{error}"
    );
}

#[test]
fn damaged_files_are_named() {
    let folder = Folder::new(&config(&[]), &tensors(Element::F32));
    let path = folder.path().join("model.safetensors");
    let whole = std::fs::read(&path).unwrap();
    let enormous = [&u64::MAX.to_le_bytes(), &whole[8..]].concat();
    let garbled = [&whole[..8], b"#", &whole[9..]].concat();
    let longer = [&whole[..], &[0]].concat();
    for bytes in [&whole[..whole.len() - 1], &whole[..100], &whole[..5], &[], &enormous, &garbled, &longer] {
        std::fs::write(&path, bytes).unwrap();
        let error = failure(&folder, &options("q4f16_1"));
        assert!(matches!(error.package().unwrap(), ErrorKind::Checkpoint { path, .. } if path.ends_with("model.safetensors")), "{error}");
    }
    std::fs::remove_file(&path).unwrap();
    let error = failure(&folder, &options("q4f16_1"));
    assert!(matches!(error.package().unwrap(), ErrorKind::Checkpoint { path, .. } if path == folder.path()), "{error}");
    folder.write("model.safetensors.index.json", r#"{"weight_map": {"lm_head.weight": "model-7.safetensors"}}"#);
    let error = failure(&folder, &options("q4f16_1"));
    assert!(matches!(error.package().unwrap(), ErrorKind::Io { path, .. } if path.ends_with("model-7.safetensors")), "{error}");
    std::fs::remove_file(folder.path().join("config.json")).unwrap();
    let error = failure(&folder, &options("q4f16_1"));
    assert!(matches!(error.package().unwrap(), ErrorKind::Checkpoint { reason, .. } if reason.contains("config.json")), "{error}");
    for name in ["generation_config.json", "tokenizer.json", "tokenizer_config.json"] {
        let folder = Folder::new(&config(&[]), &tensors(Element::F32));
        folder.write(name, "{");
        let error = failure(&folder, &options("q4f16_1"));
        assert!(matches!(error.package().unwrap(), ErrorKind::Checkpoint { path, .. } if path.ends_with(name)), "{error}");
    }
}

#[test]
fn what_a_download_brought_instead_of_a_file_is_named() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
    for name in [
        "config.json",
        "model.safetensors",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "tokenizer.model",
        "chat_template.jinja",
    ] {
        for (text, words) in [(pointer, "git lfs pull"), ("<!doctype html>\n<title>Log in</title>", "web page")] {
            let folder = Folder::new(&config(&[]), &tensors(Element::F32));
            folder.write(name, text);
            let error = failure(&folder, &options("q4f16_1"));
            assert!(matches!(error.package().unwrap(), ErrorKind::Checkpoint { path, .. } if path.ends_with(name)), "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
    let folder = Folder::in_files(&config(&[]), &tensors(Element::F32), 2);
    folder.write("model.safetensors.index.json", pointer);
    assert!(failure(&folder, &options("q4f16_1")).to_string().contains("git lfs pull"));
}

#[test]
fn quantized_checkpoints_are_named_by_what_quantized_them() {
    let check = |folder: &Folder, word: &str| {
        let error = failure(folder, &options("q4f16_1")).to_string();
        assert!(error.contains("quantized already") && error.contains(word), "{error}");
    };
    for (setting, value, word) in [
        ("quantization_config", json!({"quant_method": "bitsandbytes", "load_in_4bit": true}), "(bitsandbytes, 4 bits)"),
        ("quantization_config", json!({"load_in_4bit": false, "load_in_8bit": true}), "(bitsandbytes, 8 bits)"),
        ("quantization_config", json!({"quant_method": "gptq", "bits": 4, "group_size": 128}), "(GPTQ, 4 bits)"),
        ("quantization_config", json!({"quant_method": "awq", "bits": 4}), "(AWQ, 4 bits)"),
        ("quantization_config", json!({"quant_method": "fp8"}), "(FP8)"),
        ("quantization_config", json!({"quant_method": "compressed-tensors"}), "(compressed-tensors)"),
        ("quantization", json!({"group_size": 64, "bits": 4}), "(MLX, 4 bits)"),
        ("quantization_config", json!({"group_size": 64, "bits": 6}), "(MLX, 6 bits)"),
    ] {
        check(&Folder::new(&config(&[(setting, value)]), &tensors(Element::F32)), word);
    }
    // Older tools say nothing in config.json.
    for (name, word) in [("quantize_config.json", "GPTQ"), ("quant_config.json", "AWQ")] {
        let folder = Folder::new(&config(&[]), &tensors(Element::F32));
        folder.write(name, "{}");
        check(&folder, word);
    }
    for (end, word) in [("qweight", "GPTQ"), ("weight.absmax", "bitsandbytes"), ("SCB", "bitsandbytes"), ("scales", "MLX")] {
        let mut tensors = tensors(Element::F32);
        tensors.push(number(&format!("model.layers.0.mlp.up_proj.{end}"), &[4], Element::I32, 1.0));
        check(&Folder::new(&config(&[]), &tensors), word);
    }
    for value in [json!(null), json!({})] {
        converted(&Folder::new(&config(&[("quantization_config", value)]), &tensors(Element::F32)), &options("q4f16_1"));
    }
}

/// Python writes numbers that JSON does not know. A setting that is one is refused by name.
#[test]
fn numbers_of_python_are_read() {
    let odd = |text: &str, name: &str| text.replacen('{', &format!("{{\"{name}\": [0.0, Infinity, -Infinity, NaN], "), 1);
    let folder = Folder::new(&odd(&config(&[]), "time_step_limit"), &tensors(Element::F32));
    folder.write("generation_config.json", r#"{"temperature": 0.5, "suppress": -Infinity, "top_p": NaN}"#);
    let (package, report) = converted(&folder, &options("q4f16_1"));
    let chat: serde_json::Value = serde_json::from_str(&package.text("mlc-chat-config.json")).unwrap();
    assert_eq!((&chat["temperature"], &chat["top_p"]), (&json!(0.5), &json!(1.0)));
    assert!(report.warnings.iter().any(|warning| warning.to_string().contains("`top_p`")), "{:?}", report.warnings);

    let error = failure(&Folder::new(&odd(&config(&[]), "rope_theta"), &tensors(Element::F32)), &options("q4f16_1"));
    assert!(error.to_string().contains("`rope_theta`"), "{error}");
    let error = failure(&Folder::new(&config(&[("hidden_size", json!(null))]), &tensors(Element::F32)), &options("q4f16_1"));
    assert!(error.to_string().contains("`hidden_size`") && error.to_string().contains("null"), "{error}");
}

#[test]
fn numbers_that_the_package_cannot_hold_are_named() {
    let with = |element: Element, value: f32| {
        let mut tensors = tensors(element);
        tensors.iter_mut().find(|tensor| tensor.name == "model.layers.0.mlp.down_proj.weight").unwrap().values[173] = value;
        Folder::new(&config(&[]), &tensors)
    };
    let is_refused = |folder: &Folder, options: &ConvertOptions, stored: &str| {
        let error = failure(folder, options);
        let expected = "model.layers.0.mlp.down_proj.weight";
        let found = matches!(error.package().unwrap(), ErrorKind::TensorValue { name, position: 173, dtype, .. } if name == expected && *dtype == stored);
        assert!(found, "{error}");
    };
    let bf16 = |quantization| ConvertOptions { f32_as_bf16: true, ..options(quantization) };
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for (name, stored) in [("q4f16_1", "float16"), ("q4f32_1", "float32"), ("q0f16", "float16"), ("q0f32", "float32")] {
            is_refused(&with(Element::F32, value), &options(name), stored);
        }
        is_refused(&with(Element::Bf16, value), &options("q0f16"), "float16");
        is_refused(&with(Element::F16, value), &options("q4f32_1"), "float32");
    }
    for name in ["q4f16_1", "q0f16"] {
        is_refused(&with(Element::F32, -65520.0), &options(name), "float16");
        converted(&with(Element::F32, 65519.99), &options(name));
    }
    is_refused(&with(Element::F32, f32::MAX), &bf16("q0f32"), "bfloat16");
    for name in ["q4f32_1", "q0f32"] {
        converted(&with(Element::F32, f32::MAX), &options(name));
    }
    converted(&with(Element::F32, f32::MAX), &bf16("q4f32_1"));
}

#[test]
fn a_folder_of_other_things_is_refused() {
    let folder = Folder::new(&config(&[]), &tensors(Element::F32));
    for output in [folder.path().to_owned(), folder.path().join("config.json")] {
        let before = std::fs::read_to_string(folder.path().join("config.json")).unwrap();
        let error = run(folder.path(), &output, &options("q0f32")).unwrap_err();
        assert!(matches!(error.package().unwrap(), ErrorKind::ForeignFolder { .. } | ErrorKind::Io { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(folder.path().join("config.json")).unwrap(), before);
    }
}
