//! `tegula convert` on checkpoints with odd files: the runtime reads the packages.

use std::fs;

use serde_json::json;
use tegula::text::tokenizer::{ChatTemplates, Tokenizer};
use tegula_package::mlc::ChatConfig;
use tegula_package::mlc::chat_config::single;

use crate::folder::Folder;

/// The chat config of a package of `source`, as the runtime reads it, and what was said.
fn converted(folder: &Folder) -> (ChatConfig, String) {
    let output = folder.run(&["convert", "source", "-o", "package"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    (ChatConfig::parse(&fs::read_to_string(folder.path("package/mlc-chat-config.json")).unwrap()).unwrap(), said)
}

#[test]
fn a_package_can_be_run_whatever_generation_config_says() {
    let folder = Folder::new("llama");
    let nonsense = json!({"temperature": -1, "top_p": 3, "top_k": -7, "min_p": 2, "repetition_penalty": 0, "pad_token_id": "x",
        "presence_penalty": 9, "frequency_penalty": "0", "eos_token_id": [2, "</s>"], "bos_token_id": [1, -1]});
    fs::write(folder.path("source/generation_config.json"), nonsense.to_string()).unwrap();
    let (config, said) = converted(&folder);
    for (setting, value) in nonsense.as_object().unwrap().iter().filter(|(setting, _)| *setting != "bos_token_id") {
        assert!(said.contains(&format!("warning: `{setting}` in generation_config.json is {value}")), "{setting} in {said}");
    }
    for number in [&config.temperature, &config.top_p, &config.repetition_penalty] {
        assert_eq!(single(number.as_ref()), Some(1.0));
    }
    assert_eq!((config.bos_token_id.as_slice(), config.eos_token_id.as_slice()), (&[1][..], &[2][..]));

    let greedy = json!({"do_sample": false, "temperature": 0.6, "top_p": 0.9, "pad_token_id": -1});
    fs::write(folder.path("source/generation_config.json"), greedy.to_string()).unwrap();
    let (config, said) = converted(&folder);
    assert_eq!(single(config.temperature.as_ref()), Some(0.0));
    assert!(config.pad_token_id.as_slice().is_empty() && !said.contains("generation_config"), "{said}");
}

/// A tokenizer of two words and the end of an answer.
fn tokenizer() -> String {
    let end =
        json!({"id": 2, "content": "</s>", "special": true, "single_word": false, "lstrip": false, "rstrip": true, "normalized": false});
    let split = json!({"type": "WhitespaceSplit"});
    let model = json!({"type": "WordLevel", "vocab": {"hi": 0, "you": 1, "</s>": 2}, "unk_token": "hi"});
    json!({"version": "1.0", "added_tokens": [end], "normalizer": null, "pre_tokenizer": split, "post_processor": null, "decoder": null,
        "model": model})
    .to_string()
}

#[test]
fn a_tokenizer_that_does_not_load_is_refused() {
    let folder = Folder::new("llama");
    fs::write(folder.path("source/tokenizer.json"), tokenizer()).unwrap();
    converted(&folder);
    fs::remove_dir_all(folder.path("package")).unwrap();
    let unknown = tokenizer().replace("WhitespaceSplit", "Telepathy");
    let typed = tokenizer().replace("\"hi\":0", "\"hi\":\"zero\"");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n".to_owned();
    for (text, word) in
        [(unknown, "tokenizer.json"), (typed, "tokenizer.json"), (String::new(), "tokenizer.json"), (pointer, "git lfs pull")]
    {
        fs::write(folder.path("source/tokenizer.json"), text).unwrap();
        let error = folder.fail(&["convert", "source", "-o", "package"]);
        assert!(error.contains(word), "{error}");
        assert!(!folder.path("package").exists() && !folder.path(".package.partial").exists());
    }
    fs::write(folder.path("source/tokenizer.json"), tokenizer()).unwrap();
    fs::write(folder.path("source/tokenizer_config.json"), r#"{"eos_token": 7}"#).unwrap();
    let error = folder.fail(&["convert", "source", "-o", "package"]);
    assert!(error.contains("tokenizer_config.json"), "{error}");
}

#[test]
fn the_runtime_reads_what_was_in_several_files() {
    let folder = Folder::new("llama");
    fs::create_dir(folder.path("source/additional_chat_templates")).unwrap();
    for (name, text) in [
        ("tokenizer.json", tokenizer().as_str()),
        ("tokenizer_config.json", r#"{"model_max_length": Infinity, "bos_token": "</s>"}"#),
        ("special_tokens_map.json", r#"{"eos_token": "</s>"}"#),
        ("chat_template.jinja", "main"),
        ("additional_chat_templates/tool_use.jinja", "tools"),
    ] {
        fs::write(folder.path("source").join(name), text).unwrap();
    }
    converted(&folder);
    let read = |name: &str| fs::read_to_string(folder.path("package").join(name)).unwrap();
    let tokenizer = Tokenizer::new(read("tokenizer.json").as_bytes(), Some(&read("tokenizer_config.json"))).unwrap();
    assert_eq!((tokenizer.eos(), tokenizer.bos()), (Some(2), Some(2)));
    let Some(ChatTemplates::Named(templates)) = &tokenizer.config().chat_template else { panic!("several templates") };
    let templates: Vec<_> = templates.iter().map(|named| (named.name.as_str(), named.template.as_str())).collect();
    assert_eq!(templates, [("default", "main"), ("tool_use", "tools")]);
    assert_eq!(folder.succeed(&["tokenize", "package", "hi</s>  you"]).trim(), "0,2,1");
}

#[test]
#[cfg(unix)]
fn a_link_is_kept_and_written_through() {
    let folder = Folder::new("llama");
    fs::create_dir(folder.path("disk")).unwrap();
    std::os::unix::fs::symlink("disk/package", folder.path("link")).unwrap();
    for output in ["link", "link/", "link"] {
        folder.succeed(&["convert", "source", "-o", output]);
        assert!(folder.path("link").is_symlink() && folder.path("disk/package/tensor-cache.json").exists());
        assert_eq!(fs::read_dir(folder.path("disk")).unwrap().count(), 1);
    }
    let broken = Folder::new("llama");
    std::os::unix::fs::symlink("package", broken.path("link")).unwrap();
    broken.edit("source/config.json", |config| config["num_hidden_layers"] = 9.into());
    broken.fail(&["convert", "source", "-o", "link"]);
    assert!(broken.path("link").is_symlink() && !broken.path("package").exists());
}
