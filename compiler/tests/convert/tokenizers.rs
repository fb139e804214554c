//! What a package has of a tokenizer whose settings are spread over several files.

use crate::checkpoints::{Element, Folder, config, tensors};
use crate::{converted, options, run};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// A checkpoint with a tokenizer of a few words.
fn checkpoint(files: &[(&str, String)]) -> Folder {
    let folder = Folder::new(&config(&[]), &tensors(Element::Bf16));
    let tokenizer = json!({"added_tokens": [{"id": 3, "content": "<|im_end|>"}],
        "model": {"type": "WordLevel", "vocab": {"<s>": 0, "</s>": 1, "hi": 2}, "unk_token": "<s>"}});
    folder.write("tokenizer.json", &tokenizer.to_string());
    fs::create_dir(folder.path().join("additional_chat_templates")).unwrap();
    for (name, text) in files {
        folder.write(name, text);
    }
    folder
}

/// The package's tokenizer_config.json, its chat config, and all its files.
fn package(files: &[(&str, String)]) -> (Value, Value, BTreeMap<String, Vec<u8>>) {
    let folder = checkpoint(files);
    let (package, _) = converted(&folder, &options("q0f32"));
    let files = package.files();
    let read = |name: &str| files.get(name).map_or(Value::Null, |file| serde_json::from_slice(file).unwrap());
    (read("tokenizer_config.json"), read("mlc-chat-config.json"), files)
}

fn files(chat: &Value) -> Vec<&str> {
    chat["tokenizer_files"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn templates_in_files_are_those_of_the_package() {
    let settings = |template: Value| ("tokenizer_config.json", json!({"chat_template": template, "bos_token": "<s>"}).to_string());
    let main = ("chat_template.jinja", "<|im_start|>main".to_owned());
    let tools = ("additional_chat_templates/tool_use.jinja", "tools".to_owned());
    let rag = ("additional_chat_templates/rag.jinja", "rag".to_owned());
    let other = ("additional_chat_templates/README.md", "no template".to_owned());
    let named = |all: &[(&str, &str)]| all.iter().map(|(name, template)| json!({"name": name, "template": template})).collect::<Value>();
    let listed = json!([{"name": "default", "template": "old"}, {"name": "tool_use", "template": "old tools"}]);
    for (all, expected, jinja) in [
        (vec![main.clone()], Value::Null, true),
        (vec![settings(json!("old"))], json!("old"), false),
        (vec![settings(listed.clone())], listed.clone(), false),
        (vec![settings(json!("old")), main.clone()], json!("<|im_start|>main"), true),
        (vec![settings(listed.clone()), main.clone()], json!("<|im_start|>main"), true),
        (
            vec![settings(json!(null)), main.clone(), tools.clone(), rag, other],
            named(&[("default", "<|im_start|>main"), ("rag", "rag"), ("tool_use", "tools")]),
            false,
        ),
        (vec![main, tools.clone()], named(&[("default", "<|im_start|>main"), ("tool_use", "tools")]), false),
        (vec![settings(json!("old")), tools.clone()], named(&[("default", "old"), ("tool_use", "tools")]), false),
        (vec![settings(listed), tools], named(&[("default", "old"), ("tool_use", "tools")]), false),
    ] {
        let (config, chat, package) = package(&all);
        assert_eq!(config["chat_template"], expected, "{all:?}");
        assert_eq!(package.contains_key("chat_template.jinja"), jinja, "{all:?}");
        assert_eq!((files(&chat).contains(&"chat_template.jinja"), files(&chat).len()), (jinja, package.len() - 3));
        let is_chatml = all.iter().any(|(name, _)| *name == "chat_template.jinja");
        assert_eq!(chat["conv_template"]["name"], if is_chatml { "chatml" } else { "LM" }, "{all:?}");
    }
}

/// As Hugging Face's library does: the map goes before a config that does not describe its tokens.
#[test]
fn special_tokens_of_a_map_are_those_of_the_package() {
    let map =
        json!({"eos_token": {"content": "<|im_end|>", "rstrip": true}, "pad_token": "hi", "additional_special_tokens": ["</s>", "hi"]});
    let map = ("special_tokens_map.json", map.to_string());
    let settings = |value: Value| ("tokenizer_config.json", value.to_string());
    let eos = json!({"content": "<|im_end|>", "rstrip": true});
    let (config, chat, _) = package(std::slice::from_ref(&map));
    assert_eq!((&config["eos_token"], &config["pad_token"]), (&eos, &json!("hi")));
    assert_eq!(files(&chat), ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]);
    let (config, ..) = package(&[map.clone(), settings(json!({"eos_token": "</s>", "additional_special_tokens": ["</s>"], "x": 1}))]);
    assert_eq!((&config["eos_token"], &config["additional_special_tokens"], &config["x"]), (&eos, &json!(["</s>", "hi"]), &json!(1)));
    let described = json!({"eos_token": "</s>", "pad_token": null, "added_tokens_decoder": {"1": {"content": "</s>"}}});
    let (config, ..) = package(&[map, settings(described)]);
    assert_eq!((&config["eos_token"], &config["pad_token"]), (&json!("</s>"), &json!("hi")));
    let found = json!({"content": "</s>", "lstrip": true});
    let (config, ..) =
        package(&[("special_tokens_map.json", json!({"eos_token": found}).to_string()), settings(json!({"eos_token": "</s>"}))]);
    assert_eq!(config["eos_token"], found);
    // Files that agree are copied as they are.
    let text = "{\"eos_token\":   \"</s>\"}";
    let same = ("special_tokens_map.json", json!({"eos_token": {"content": "</s>", "lstrip": false}, "pad_token": null}).to_string());
    let (.., package) = package(&[same, ("tokenizer_config.json", text.to_owned())]);
    assert_eq!(package["tokenizer_config.json"], text.as_bytes());
}

#[test]
fn tokens_that_only_the_config_adds_are_counted() {
    let config = json!({"chat_template": "<|start_header_id|>", "added_tokens_decoder": {"4": {"content": "<|eot_id|>", "special": true}}});
    let (.., chat, _) = package(&[("tokenizer_config.json", config.to_string())]);
    assert_eq!((&chat["active_vocab_size"], &chat["conv_template"]["stop_token_ids"]), (&json!(5), &json!([2, 4])));
}

/// The model has 96 tokens. Nothing is written for a tokenizer of more.
#[test]
fn a_tokenizer_that_is_larger_than_the_vocabulary_is_refused() {
    let of = |last: u32, added: u32, declared: u32| {
        let config = json!({"added_tokens_decoder": {declared.to_string(): {"content": "<declared>"}}});
        let folder = checkpoint(&[("tokenizer_config.json", config.to_string())]);
        let tokenizer = json!({"added_tokens": [{"id": added, "content": "<added>"}],
            "model": {"type": "WordLevel", "vocab": {"hi": 0, "last": last}, "unk_token": "hi"}});
        folder.write("tokenizer.json", &tokenizer.to_string());
        let result = run(folder.path(), &folder.beside("package"), &options("q4f16_1"));
        let left = folder.neighbours();
        result.map(|_| ()).map_err(|error| {
            assert_eq!(left, ["checkpoint"]);
            error.to_string()
        })
    };
    assert_eq!(of(93, 94, 95), Ok(()));
    for (last, added, declared, words) in [
        (96, 1, 2, ["up to 96,", "96 tokens"]),
        (u32::MAX, 1, 2, ["up to", "96 tokens"]),
        (93, 96, 94, ["`<added>`", "96 tokens"]),
        (93, 94, 96, ["`<declared>`", "96 tokens"]),
    ] {
        let error = of(last, added, declared).unwrap_err();
        assert!(words.iter().all(|word| error.contains(word)) && error.contains("tokenizer.json"), "{error}");
    }
}

/// What Python writes is JSON in a package.
#[test]
fn odd_numbers_in_the_config_are_written_so_that_everybody_reads_them() {
    let (config, ..) = package(&[("tokenizer_config.json", r#"{"model_max_length": Infinity, "eos_token": "</s>"}"#.into())]);
    assert_eq!((&config["model_max_length"], &config["eos_token"]), (&json!("Infinity"), &json!("</s>")));
}
