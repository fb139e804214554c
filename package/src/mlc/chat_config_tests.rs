//! Chat configs as they come, and as they are written again.

use super::*;
#[cfg(feature = "make")]
use std::path::Path;

#[test]
fn reads_ids_in_every_spelling() {
    let config =
        ChatConfig::parse(r#"{"eos_token_id": [151645, 151643], "bos_token_id": 1, "pad_token_id": null, "unheard_of": {}}"#).unwrap();
    assert_eq!(config.eos_token_id.as_slice(), [151645, 151643]);
    assert_eq!(config.bos_token_id.as_slice(), [1]);
    assert!(config.pad_token_id.as_slice().is_empty());
    assert_eq!(config.active_vocab(512), 512);
}

#[test]
fn masks_padded_vocabularies() {
    let config = ChatConfig::parse(r#"{"vocab_size": 151936, "active_vocab_size": 151665}"#).unwrap();
    assert_eq!(config.active_vocab(151_936), 151_665);
    assert_eq!(config.active_vocab(100), 100);
}

#[test]
fn reads_a_template_or_its_name() {
    let named = ChatConfig::parse(r#"{"conv_template": "llama-3"}"#).unwrap();
    assert_eq!(named.conv_template.whole(), None);
    let whole = ChatConfig::parse(r#"{"conv_template": {"seps": ["\n"], "stop_token_ids": [2]}}"#).unwrap();
    assert_eq!(whole.conv_template.whole().unwrap().stop_token_ids, [2]);
}

/// With all that there is to read, what is written is what was read, in packages of MLC and of ours.
#[cfg(feature = "make")]
#[test]
fn what_is_read_is_written_again() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("../models/tegula-tiny").join(ChatConfig::FILE)];
    match root.join("../../shared/data/mlc-examples").read_dir() {
        Ok(packages) => files.extend(packages.map(|package| package.unwrap().path().join(ChatConfig::FILE))),
        Err(_) => eprintln!("the packages of ../shared/data are absent"),
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut before: Value = serde_json::from_str(&text).unwrap();
        let after = serde_json::to_value(ChatConfig::parse(&text).unwrap()).unwrap();
        // Tokens before everything are named even where there are none.
        before["conv_template"].as_object_mut().unwrap().entry("system_prefix_token_ids").or_insert(Value::Null);
        assert_eq!(before, after, "{}", file.display());
    }
}

/// A setting that nobody here reads is no reason to refuse a package, one that is read is.
#[test]
fn only_what_is_used_must_make_sense() {
    let odd = r#"{"version": 3, "model_config": [], "sliding_window_size": "none", "attention_sink_size": 1.5,
        "tensor_parallel_shards": {}, "tokenizer_info": {"token_postproc_method": "new"}, "fingerprint": [1],
        "conv_template": {"name": 3, "messages": "", "use_function_calling": "yes", "seps": ["|"]}}"#;
    let config = ChatConfig::parse(odd).unwrap();
    assert_eq!(config.conv_template.whole().unwrap().seps, ["|"]);
    assert!(config.tokenizer_info.is_none() && config.fingerprint.is_empty());
    for used in
        [r#"{"vocab_size": "many"}"#, r#"{"temperature": "hot"}"#, r#"{"eos_token_id": "</s>"}"#, r#"{"conv_template": {"seps": "|"}}"#]
    {
        assert!(matches!(ChatConfig::parse(used).unwrap_err().kind(), ErrorKind::Manifest { .. }), "{used}");
    }
}

#[test]
fn says_where_a_file_is_wrong() {
    let truncated = ChatConfig::parse("{\"vocab_size\":").unwrap_err();
    assert!(matches!(truncated.kind(), ErrorKind::Manifest { file, .. } if file == ChatConfig::FILE), "{truncated}");
    let value = ChatConfig::parse(r#"{"top_p": 1.5}"#).unwrap_err();
    assert_eq!(value.to_string(), "`top_p` in mlc-chat-config.json is 1.5: it must be from 0 to 1");
    for wrong in [r#"{"min_p": -0.5}"#, r#"{"top_k": -2}"#] {
        assert!(matches!(ChatConfig::parse(wrong).unwrap_err().kind(), ErrorKind::ConfigValue { .. }), "{wrong}");
    }
}
