//! The JSON files of a package, beside those of real ones.

use crate::checkpoints::{self, Element, Folder, config, shared, tensors};
use crate::{converted, options};
use serde_json::{Value, json};
use tegula_compiler::convert::Warning;

/// The names, the types and the order of everything in the JSON files are those of packages that MLC wrote.
#[test]
fn json_files_have_the_shape_of_real_ones() {
    let Some(shared) = shared() else { return };
    let real = shared.join("mlc-examples/Qwen2.5-0.5B-finetune-q4f16_1");
    let real = ["tensor-cache.json", "mlc-chat-config.json"].map(|name| std::fs::read_to_string(real.join(name)).unwrap());
    let folder = Folder::new(
        &config(&[
            ("model_type", json!("qwen2")),
            ("tie_word_embeddings", json!(true)),
            ("hidden_act", json!("silu")),
            ("rope_theta", json!(1e6)),
            ("vocab_size", json!(151_936)),
        ]),
        &{
            let mut tensors = tensors(Element::Bf16);
            tensors.retain(|tensor| tensor.name != "lm_head.weight");
            tensors.iter_mut().find(|tensor| tensor.name == "model.embed_tokens.weight").unwrap().shape[0] = 151_936;
            tensors.extend(checkpoints::biases(Element::Bf16));
            tensors
        },
    );
    for name in ["tokenizer.json", "vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json"] {
        std::fs::copy(shared.join("tokenizers/qwen2.5").join(name), folder.path().join(name)).unwrap();
    }
    folder.write(
        "generation_config.json",
        &json!({"temperature": 0.7, "top_p": 0.8, "pad_token_id": 151643, "eos_token_id": [151645, 151643]}).to_string(),
    );
    let (package, report) = converted(&folder, &options("q4f16_1"));
    assert_eq!(report.warnings, []);

    let (ours, theirs) = (package.text("tensor-cache.json"), &real[0]);
    assert_eq!(outline(&ours), outline(theirs));
    assert!(ours.starts_with("{\n    \"metadata\": {\n        \"ParamSize\": "), "indentation: {}", &ours[..80]);
    let (ours, theirs): (Value, Value) =
        (serde_json::from_str(&package.text("mlc-chat-config.json")).unwrap(), serde_json::from_str(&real[1]).unwrap());
    // What tells a library of another model apart is ours.
    assert_eq!(names(&ours), [names(&theirs), vec!["fingerprint".into()]].concat());
    assert_eq!(names(&ours["conv_template"]), names(&theirs["conv_template"]));
    for name in ["version", "tokenizer_info", "tokenizer_files", "temperature", "top_p", "presence_penalty", "eos_token_id", "quantization"]
    {
        assert_eq!(ours[name], theirs[name], "{name}");
    }
    for name in names(&theirs["conv_template"]).iter().filter(|name| !["system_message", "stop_token_ids"].contains(&name.as_str())) {
        assert_eq!(ours["conv_template"][name], theirs["conv_template"][name], "{name}");
    }
    // Theirs stops on the wrong token.
    assert_eq!(ours["conv_template"]["stop_token_ids"], json!([151645, 151643]));
    let missing: Vec<_> = names(&theirs["model_config"]).into_iter().filter(|name| !names(&ours["model_config"]).contains(name)).collect();
    assert_eq!(missing, Vec::<String>::new());
}

/// What limits a draw is in packages where the checkpoint has it, and no key more where not: MLC knows neither.
#[test]
fn limits_of_a_draw_are_those_of_the_checkpoint() {
    for (generation, top_k, min_p) in [
        (json!({"top_k": 20, "min_p": 0.05}), json!(20), json!(0.05)),
        (json!({"top_k": null, "min_p": 0}), Value::Null, json!(0)),
        (json!({"top_k": 40.0}), json!(40), Value::Null),
        (json!({"top_k": "many"}), Value::Null, Value::Null),
    ] {
        let folder = Folder::new(&config(&[]), &tensors(Element::Bf16));
        folder.write("generation_config.json", &generation.to_string());
        let (package, _) = converted(&folder, &options("q0f32"));
        let chat: Value = serde_json::from_str(&package.text("mlc-chat-config.json")).unwrap();
        for (name, expected) in [("top_k", top_k), ("min_p", min_p)] {
            assert_eq!(chat.get(name).cloned(), Some(expected).filter(|value| !value.is_null()), "{name} of {generation}");
        }
    }
}

/// The chat config of a package of a checkpoint with these generation settings, and the warnings.
fn generated(generation: &Value, changes: &[(&str, Value)]) -> (Value, Vec<Warning>) {
    let folder = Folder::new(&config(changes), &tensors(Element::Bf16));
    folder.write("generation_config.json", &generation.to_string());
    let (package, report) = converted(&folder, &options("q0f32"));
    let text = package.text("mlc-chat-config.json");
    let warnings = report.warnings.into_iter().filter(|warning| *warning != Warning::NoTokenizer);
    (serde_json::from_str(&text).unwrap(), warnings.collect())
}

#[test]
fn a_checkpoint_that_takes_the_likeliest_makes_a_greedy_package() {
    for (generation, temperature) in [
        (json!({"do_sample": false, "temperature": 0.6, "top_p": 0.9, "top_k": 50}), json!(0.0)),
        (json!({"do_sample": false, "temperature": -1}), json!(0.0)),
        (json!({"do_sample": false}), json!(0.0)),
        (json!({"do_sample": true, "temperature": 0.6}), json!(0.6)),
        (json!({"do_sample": null, "temperature": 0.6}), json!(0.6)),
        (json!({"temperature": 0.6}), json!(0.6)),
        (json!({"do_sample": true}), json!(1.0)),
    ] {
        let (chat, warnings) = generated(&generation, &[]);
        assert_eq!((&chat["temperature"], warnings), (&temperature, vec![]), "{generation}");
    }
}

#[test]
fn generation_settings_that_make_no_sense_are_named_and_left_out() {
    for (setting, values, instead) in [
        ("temperature", [json!(-1), json!("hot"), json!(1e300)], json!(1.0)),
        ("top_p", [json!(3), json!(-0.1), json!([0.9])], json!(1.0)),
        ("min_p", [json!(1.5), json!(-1), json!(true)], Value::Null),
        ("top_k", [json!(-2), json!(0.5), json!("many")], Value::Null),
        ("repetition_penalty", [json!(0), json!(-1.0), json!({})], json!(1.0)),
        ("presence_penalty", [json!(3), json!(-2.5), json!("0")], json!(0.0)),
        ("frequency_penalty", [json!(3), json!(-2.5), json!("0")], json!(0.0)),
    ] {
        for value in values {
            let (chat, warnings) = generated(&json!({setting: value}), &[]);
            assert_eq!(chat.get(setting).unwrap_or(&Value::Null), &instead, "{setting}");
            let shown: Vec<String> = warnings.iter().map(ToString::to_string).collect();
            let named = format!("`{setting}` in generation_config.json is {value}, ");
            assert!(shown.len() == 1 && shown[0].starts_with(&named), "{shown:?}");
        }
    }
}

#[test]
fn ids_that_name_no_token_are_left_out() {
    let none = Value::Null;
    for (generation, config, expected, named) in [
        (json!(-1), json!(7), json!(7), false),
        (json!(-1), json!(null), none.clone(), false),
        (json!(null), json!(-1), none.clone(), false),
        (json!([3, 4]), json!(7), json!([3, 4]), false),
        (json!([3]), json!(7), json!(3), false),
        (json!([3, -1, null]), json!(7), json!(3), false),
        (json!([3, "</s>"]), json!(7), json!(3), true),
        (json!([]), json!(7), json!(7), false),
        (json!("</s>"), json!(7), json!(7), true),
        (json!(5_000_000_000_u64), json!(7), json!(7), true),
        (json!(96), json!(null), none.clone(), true),
        (json!(-100), json!(null), none, true),
        (json!(5.0), json!(7), json!(5), false),
    ] {
        for setting in ["pad_token_id", "bos_token_id", "eos_token_id"] {
            let (chat, warnings) = generated(&json!({setting: generation}), &[(setting, config.clone())]);
            // Only an answer has several ends.
            let first = expected.get(0).filter(|_| setting != "eos_token_id").unwrap_or(&expected);
            assert_eq!(chat.get(setting).unwrap_or(&Value::Null), first, "{setting}: {generation}, {config}");
            assert_eq!(warnings.len(), usize::from(named), "{warnings:?}");
            assert!(warnings.iter().all(|warning| warning.to_string().contains(setting)), "{warnings:?}");
        }
    }
}

/// Names in order, and the types of what they stand for, at every level of a manifest.
fn outline(text: &str) -> Vec<String> {
    let manifest: Value = serde_json::from_str(text).unwrap();
    let typed = |value: &Value| {
        let kind = |value: &Value| match value {
            Value::Number(number) if number.is_f64() => "float",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "list",
            _ => "other",
        };
        names(value).iter().map(|name| format!("{name}: {}", kind(&value[name]))).collect::<Vec<_>>()
    };
    let shard = &manifest["records"][0];
    [typed(&manifest), typed(&manifest["metadata"]), typed(shard), typed(&shard["records"][0])].concat()
}

fn names(value: &Value) -> Vec<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

/// What is read from real tokenizers: the template by name, the tokens before everything, those that end an answer, how bytes are written,
/// whether a space goes before the text, and ids in use.
#[test]
fn tokenizers_are_understood() {
    let Some(shared) = shared() else { return };
    let bytes = |level: bool| if level { "byte_level" } else { "byte_fallback" };
    for (name, bos, eos, template, prefix, stops, level, space, size) in [
        ("llama-3", 128000, 128001, "llama-3", json!([128000]), json!([128001, 128009]), true, false, 128256),
        ("qwen2.5", 151643, 151645, "chatml", json!(null), json!([151645]), true, false, 151665),
        ("qwen3", 151643, 151643, "chatml", json!(null), json!([151643, 151645]), true, false, 151669),
        ("smollm2", 1, 0, "chatml", json!(null), json!([0, 2]), true, false, 49152),
        ("mistral-v3", 1, 2, "mistral_default", json!([1]), json!([2]), false, true, 32768),
        ("gpt2", 50256, 50256, "LM", json!(null), json!([50256]), true, false, 50257),
    ] {
        let changes = [("vocab_size", json!(160_000)), ("tie_word_embeddings", json!(true))];
        let mut tensors = tensors(Element::Bf16);
        let table = tensors.iter_mut().find(|tensor| tensor.name == "model.embed_tokens.weight").unwrap();
        table.shape[0] = 160_000;
        let folder = Folder::new(&config(&changes), &tensors);
        for entry in std::fs::read_dir(shared.join("tokenizers").join(name)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        folder.write("generation_config.json", &json!({"bos_token_id": bos, "eos_token_id": eos}).to_string());
        let (package, _) = converted(&folder, &options("q4f16_1"));
        let chat: Value = serde_json::from_str(&package.text("mlc-chat-config.json")).unwrap();
        let conversation = &chat["conv_template"];
        assert_eq!(conversation["name"], template, "{name}");
        assert_eq!((&conversation["system_prefix_token_ids"], &conversation["stop_token_ids"]), (&prefix, &stops), "{name}");
        let info = json!({"token_postproc_method": bytes(level), "prepend_space_in_encode": space, "strip_space_in_decode": space});
        assert_eq!((&chat["tokenizer_info"], &chat["active_vocab_size"]), (&info, &json!(size)), "{name}");
    }
}
