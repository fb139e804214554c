//! Tokenizers against ids that their original implementations gave, where the shared data is present.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokenizers::AddedToken;

use super::*;
use crate::text::detokenizer::Detokenizer;

/// A folder of the shared data, or nothing and a word about it.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is absent", path.display());
    None
}

pub(crate) fn load(folder: &Path) -> Tokenizer {
    let config = std::fs::read_to_string(folder.join(TokenizerConfig::FILE)).ok();
    Tokenizer::new(&std::fs::read(folder.join(Tokenizer::FILE)).unwrap(), config.as_deref()).unwrap()
}

/// The pieces that streaming gives; none may end within a character.
fn stream(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<String> {
    let mut detokenizer = Detokenizer::new();
    let mut pieces: Vec<String> = ids
        .iter()
        .map(|&id| {
            let mut piece = String::new();
            detokenizer.push(tokenizer, id, &mut piece);
            piece
        })
        .collect();
    let mut rest = String::new();
    detokenizer.finish(tokenizer, &mut rest);
    pieces.push(rest);
    pieces
}

#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<u32>,
    decoded: Option<String>,
}

/// Compares ids, decoded text and streamed text. `tidied` names goldens whose text lost spaces before punctuation, which that library does
/// after decoding (`clean_up_tokenization_spaces`) and a stream must not.
fn check<'a>(tokenizer: &Tokenizer, goldens: impl Iterator<Item = (&'a str, &'a Golden)>, special: bool, tidied: &[&str]) -> usize {
    let mut count = 0;
    for (name, golden) in goldens {
        let ids = tokenizer.encode(&golden.text, special).unwrap();
        assert_eq!(ids, golden.ids, "{name}: {:?}", golden.text);
        if let Some(decoded) = &golden.decoded {
            assert_eq!(&tokenizer.decode_with_special(&ids) == decoded, !tidied.contains(&name), "{name}: {decoded:?}");
        }
        let text = tokenizer.model.decode(&ids, true).unwrap();
        assert_eq!(tokenizer.decode(&ids), text, "{name}");
        assert_eq!(stream(tokenizer, &ids).concat(), text, "{name}");
        // A sequence cut anywhere ends in whole characters, but for what `finish` says.
        let mut pieces = stream(tokenizer, &ids);
        pieces.pop();
        assert!(text.starts_with(&pieces.concat()), "{name}");
        count += 1;
    }
    count
}

/// Goldens of transformers.js for a model, by a tokenizer of the shared data that has the same vocabulary.
fn check_golden(file: &str, model: &str, tokenizer: &str, special: bool, tidied: &[&str]) {
    let (Some(goldens), Some(folder)) = (shared("tokenizer-goldens-transformersjs"), shared("tokenizers")) else { return };
    let text = std::fs::read_to_string(goldens.join(file)).unwrap();
    let all: BTreeMap<String, BTreeMap<String, Golden>> = serde_json::from_str(&text).unwrap();
    let goldens = all[model].iter().map(|(name, golden)| (name.as_str(), golden));
    let count = check(&load(&folder.join(tokenizer)), goldens, special, tidied);
    eprintln!("{model}: all {count} agree");
    assert!(count > 20);
}

#[test]
fn byte_level_tokenizers_agree() {
    check_golden("gpt2.json", "Xenova/gpt2", "gpt2", true, &["PUNCTUATION"]);
    check_golden("llama.json", "Xenova/llama3-tokenizer-new", "llama-3", true, &["PUNCTUATION"]);
    check_golden("llama.json", "Xenova/llama3-tokenizer", "llama-3", false, &["PUNCTUATION"]);
    check_golden("qwen2.json", "Xenova/Qwen1.5-0.5B-Chat", "qwen2.5", true, &[]);
    check_golden("qwen2.json", "Xenova/Qwen1.5-0.5B-Chat", "qwen3", true, &[]);
}

#[test]
fn unigram_tokenizers_agree() {
    check_golden("t5.json", "Xenova/t5-small", "_configs/t5-small", true, &["PREPEND_SCHEME", "PUNCTUATION", "SPIECE_UNDERSCORE"]);
}

#[test]
fn byte_fallback_tokenizers_agree() {
    let Some(goldens) = shared("tokenizer-goldens-transformersjs/llama.json") else { return };
    let Some(folder) = shared("tokenizers/phi-3-mini") else { return };
    let mut all: BTreeMap<String, BTreeMap<String, Golden>> = serde_json::from_str(&std::fs::read_to_string(goldens).unwrap()).unwrap();
    let goldens = all.get_mut("Xenova/llama-tokenizer").unwrap();
    let tokenizer = load(&folder);
    // Phi-3 has Llama 2's vocabulary, but starts no text with `<s>`.
    for golden in goldens.values_mut() {
        assert_eq!(golden.ids.remove(0), 1);
        golden.decoded = None;
    }
    let count = check(&tokenizer, goldens.iter().map(|(name, golden)| (name.as_str(), golden)), true, &[]);
    eprintln!("Xenova/llama-tokenizer: all {count} agree");
}

#[test]
fn published_ids_of_smollm2_agree() {
    let Some(folder) = shared("tokenizers/smollm2") else { return };
    let goldens: Vec<Golden> = serde_json::from_str(&std::fs::read_to_string(folder.join("golden_ids.json")).unwrap()).unwrap();
    let count = check(&load(&folder), goldens.iter().map(|golden| ("golden_ids", golden)), true, &[]);
    eprintln!("smollm2: all {count} agree");
}

#[test]
fn a_continuation_keeps_its_space() {
    let Some(folder) = shared("models/stories260K/hf") else { return };
    let tokenizer = load(&folder);
    let golden: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(folder.join("golden.json")).unwrap()).unwrap();
    let ids: Vec<u32> = serde_json::from_value(golden["greedy_ids_from_bos"].clone()).unwrap();
    let prompt: Vec<u32> = serde_json::from_value(golden["input_ids"].clone()).unwrap();
    assert_eq!(tokenizer.encode(golden["prompt"].as_str().unwrap(), true).unwrap(), prompt);
    assert_eq!(tokenizer.decode(&ids), golden["greedy_text_from_bos"].as_str().unwrap());
    let mut text = tokenizer.decode(&prompt);
    let mut detokenizer = Detokenizer::new().continuing();
    for &id in &ids[prompt.len()..] {
        detokenizer.push(&tokenizer, id, &mut text);
    }
    assert_eq!(text, golden["greedy_text_from_bos"].as_str().unwrap());
}

/// A Llama-like tokenizer with the 256 bytes, two words, and what tokenizer_config.json says.
pub(crate) fn small(processor: &str, config: &str) -> Tokenizer {
    let mut vocab = String::from(r#""<unk>": 0, "<s>": 1, "</s>": 2"#);
    for byte in 0..=255 {
        vocab.push_str(&format!(r#", "<0x{byte:02X}>": {}"#, byte + 3));
    }
    vocab.push_str(r#", "▁": 259, "▁h": 260, "h": 261, "i": 262, "▁hi": 263"#);
    let json = format!(
        r#"{{"version": "1.0", "added_tokens": [
            {{"id": 1, "content": "<s>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}}],
        "normalizer": {{"type": "Sequence", "normalizers": [{{"type": "Prepend", "prepend": "▁"}},
            {{"type": "Replace", "pattern": {{"String": " "}}, "content": "▁"}}]}},
        "pre_tokenizer": null, "post_processor": {processor},
        "decoder": {{"type": "Sequence", "decoders": [{{"type": "Replace", "pattern": {{"String": "▁"}}, "content": " "}},
            {{"type": "ByteFallback"}}, {{"type": "Fuse"}}, {{"type": "Strip", "content": " ", "start": 1, "stop": 0}}]}},
        "model": {{"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true, "vocab": {{{vocab}}},
            "merges": ["▁ h", "▁h i"]}}}}"#
    );
    Tokenizer::new(json.as_bytes(), Some(config)).unwrap()
}

const WITH_BOS: &str = r#"{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
    {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}"#;

#[test]
fn the_first_id_is_as_both_files_say() {
    let ids = |processor, config| small(processor, config).encode("hi", true).unwrap();
    assert_eq!(ids("null", r#"{"bos_token": "<s>"}"#), [263]);
    assert_eq!(ids("null", r#"{"bos_token": {"content": "<s>"}, "add_bos_token": true}"#), [1, 263]);
    assert_eq!(ids(WITH_BOS, r#"{"bos_token": "<s>", "add_bos_token": true}"#), [1, 263]);
    assert_eq!(ids(WITH_BOS, r#"{"bos_token": "<s>", "add_bos_token": false}"#), [1, 263]);
    assert_eq!(ids(WITH_BOS, r#"{"bos_token": "<s>", "add_bos_token": false, "tokenizer_class": "LlamaTokenizerFast"}"#), [263]);
    assert_eq!(small(WITH_BOS, "{}").encode("hi", false).unwrap(), [263]);
}

#[test]
fn byte_tokens_stream_whole_characters() {
    let tokenizer = small("null", r#"{"eos_token": "</s>"}"#);
    let bytes = |text: &[u8]| text.iter().map(|&byte| u32::from(byte) + 3).collect::<Vec<u32>>();
    let mut ids = vec![260, 262, 259];
    ids.extend(bytes("é🙂".as_bytes()));
    ids.push(2);
    assert_eq!(stream(&tokenizer, &ids), ["h", "i", " ", "", "é", "", "", "", "🙂", "", ""]);
    // Bytes that are no text, and a character that never ends.
    assert_eq!(tokenizer.decode(&bytes(b"a\xffb\xf0\x9f")), "a\u{fffd}b\u{fffd}");
    assert!(tokenizer.is_special(2), "the config's eos is special though tokenizer.json does not say so");
    assert_eq!(tokenizer.decode_with_special(&[1, 263, 2]), "<s> hi</s>");
}

/// A tokenizer with one more added token, `h`, which is found as `flags` say.
fn with_token(flags: &str, config: &str) -> Tokenizer {
    let mut json: serde_json::Value = serde_json::from_str(&small_json()).unwrap();
    json["normalizer"] = serde_json::Value::Null;
    let mut token = serde_json::json!({"id": 261, "content": "h", "special": false, "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false});
    if !flags.is_empty() {
        token[flags] = true.into();
    }
    json["added_tokens"].as_array_mut().unwrap().push(token);
    Tokenizer::new(json.to_string().as_bytes(), Some(config)).unwrap()
}

/// A token that is named again is found as before.
#[test]
fn a_token_that_is_named_again_keeps_how_it_is_found() {
    let (h, i, space) = (261, 262, 35);
    let token = |tokenizer: &Tokenizer| tokenizer.model.get_added_vocabulary().get_added_tokens_decoder()[&h].clone();
    for (flags, ids) in [
        ("", vec![i, space, h, space, h, i]),
        ("lstrip", vec![i, h, h, i]),
        ("rstrip", vec![i, space, h, h, i]),
        ("single_word", vec![i, space, h, space, h, i]),
        ("normalized", vec![i, space, h, space, h, i]),
    ] {
        let plain = with_token(flags, "{}");
        assert!(!plain.is_special(h));
        for config in [
            r#"{"eos_token": "h"}"#,
            r#"{"eos_token": {"content": "h", "lstrip": false, "rstrip": false}}"#,
            r#"{"additional_special_tokens": ["h"]}"#,
        ] {
            let tokenizer = with_token(flags, config);
            assert_eq!(token(&tokenizer), AddedToken { special: true, ..token(&plain) }, "{flags} {config}");
            assert_eq!(tokenizer.encode("i h hi", false).unwrap(), ids, "{flags} {config}");
            assert!(tokenizer.is_special(h), "{config}");
        }
    }
    // One that tokenizer.json does not add is found as its properties say.
    let config = r#"{"eos_token": {"content": "</s>", "lstrip": true, "rstrip": true}}"#;
    assert_eq!(small("null", config).encode("hi </s> hi", false).unwrap()[1..2], [2]);
}

/// As Hugging Face's library reads it: it has the last word on how a token is found, and adds those
/// that tokenizer.json does not have.
#[test]
fn tokens_that_only_the_config_adds_are_tokens() {
    let config = r#"{"added_tokens_decoder": {
        "265": {"content": "<tool>", "special": false},
        "264": {"content": "<|end|>", "special": true, "rstrip": true, "normalized": false},
        "261": {"content": "h", "lstrip": true, "normalized": false}, "1": {"content": "<s>", "special": false},
        "2": {"content": "</s>", "special": false}}, "eos_token": "</s>"}"#;
    let tokenizer = with_token("", config);
    assert_eq!(tokenizer.encode("i h<|end|>  i<tool></s>", false).unwrap(), [262, 261, 264, 262, 265, 2]);
    assert_eq!((tokenizer.id("<|end|>"), tokenizer.id("<tool>"), tokenizer.vocab_size()), (Some(264), Some(265), 266));
    let special: Vec<u32> = (0..266).filter(|&id| tokenizer.is_special(id)).collect();
    assert_eq!(special, [1, 2, 264], "what is special stays so, and what is named becomes so");
    assert_eq!(tokenizer.decode(&[262, 264, 265]), "i<tool>");
    assert_eq!(tokenizer.decode_with_special(&[262, 264]), "i<|end|>");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let error = Tokenizer::new(b"{", None).err().unwrap();
    assert!(error.to_string().starts_with("`tokenizer.json` cannot be used"), "{error}");
    let error = Tokenizer::new(small_json().as_bytes(), Some("[1]")).err().unwrap();
    assert!(error.to_string().starts_with("`tokenizer_config.json` cannot be used"), "{error}");
}

fn small_json() -> String {
    small("null", "{}").model.to_string(false).unwrap()
}
