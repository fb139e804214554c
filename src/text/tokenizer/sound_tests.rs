//! No tokenizer.json may panic, however it is damaged: neither when it is read nor in use.

use serde_json::{Value, json};

use crate::text::tokenizer::tests::shared;
use crate::text::tokenizer::{Literals, Tokenizer};

const TEXT: &str = "[BOS] Hello  wörld!\n\n 12345 <x> \u{1f980} a_b\tÀ ﬁ [PAD]";

/// Whether a file panics.
fn panics(json: &[u8]) -> bool {
    let panicked = std::panic::catch_unwind(|| meet(json)).is_err();
    if panicked {
        eprintln!("by {}", String::from_utf8_lossy(json));
    }
    panicked
}

/// Reads a file and uses what is read. Whether it can be read is not asked.
fn meet(json: &[u8]) {
    let Ok(tokenizer) = Tokenizer::new(json, None) else { return };
    let mut ids = Vec::new();
    for text in [TEXT, "", " ", "  \n", " \u{1f980}", "H", "HH", "Ae\u{301}", "\u{301}", "[BOS]"] {
        ids.extend(tokenizer.encode(text, true).unwrap_or_default());
        ids.extend(tokenizer.encode(text, false).unwrap_or_default());
        let mut spelled = json!(text);
        let mut literals = Literals::new(&tokenizer);
        literals.disguise(&mut spelled);
        let _ = literals.encode(&format!("[BOS]{}", spelled.as_str().unwrap()));
    }
    ids.extend(0..64);
    for ids in [&ids[..], &[], &[0], &[u32::MAX]] {
        let _ = (tokenizer.decode(ids), tokenizer.decode_with_special(ids), tokenizer.decode_whole(ids));
    }
}

/// What the file says is wrong with it.
fn reason(file: &Value) -> String {
    match Tokenizer::new(file.to_string().as_bytes(), None) {
        Ok(_) => panic!("it was read: {file}"),
        Err(error) => error.to_string(),
    }
}

fn added(id: u32, content: &str) -> Value {
    json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})
}

/// SentencePiece's kind: byte fallback, marks for spaces, a template that begins every text.
fn marked() -> Value {
    let mut vocab = serde_json::Map::new();
    for token in ["[BOS]", "[PAD]", "<unk>", "▁", "H", "e", "l", "o", "▁H", "ll", "He", "Hell", "Hello", "<0x0A>"] {
        vocab.insert(token.into(), vocab.len().into());
    }
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [added(0, "[BOS]"), added(1, "[PAD]"), added(14, "<x>")],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            {"type": "Precompiled", "precompiled_charsmap": charsmap(&[], "")},
        ]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": "\\d{1,3}"}, "behavior": "Isolated", "invert": false},
            {"type": "FixedLength", "length": 7}, {"type": "Digits", "individual_digits": true},
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
            {"type": "Punctuation", "behavior": "MergedWithNext"},
        ]},
        "post_processor": {"type": "Sequence", "processors": [
            {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
            {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "[BOS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"[BOS]": {"id": "[BOS]", "ids": [0], "tokens": ["[BOS]"]}}},
        ]},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}, {"type": "BPEDecoder", "suffix": "</w>"},
        ]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "ignore_merges": false, "vocab": vocab,
            "merges": [["▁", "H"], ["l", "l"], ["H", "e"], ["He", "ll"], ["Hell", "o"]]},
    })
}

/// The other models, with decoders and processors of their kind.
fn others() -> [Value; 3] {
    let mut unigram = marked();
    unigram["model"] = json!({"type": "Unigram", "unk_id": 2, "byte_fallback": true,
        "vocab": [["[BOS]", 0.0], ["[PAD]", 0.0], ["<unk>", 0.0], ["▁Hello", -1.5], ["l", -2.5], ["<0x0A>", -3.0]]});
    unigram["decoder"] = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true});
    let mut pieces = marked();
    pieces["model"] = json!({"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "vocab": {"[BOS]": 0, "[PAD]": 1, "[UNK]": 2, "hello": 3, "##l": 4, "w": 5}});
    pieces["normalizer"] = json!({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
        "strip_accents": null, "lowercase": true});
    pieces["pre_tokenizer"] = json!({"type": "BertPreTokenizer"});
    pieces["post_processor"] = json!({"type": "BertProcessing", "sep": ["[PAD]", 1], "cls": ["[BOS]", 0]});
    pieces["decoder"] = json!({"type": "WordPiece", "prefix": "##", "cleanup": true});
    let mut words = marked();
    words["model"] = json!({"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"[BOS]": 0, "[PAD]": 1, "[UNK]": 2, "Hello": 3}});
    words["pre_tokenizer"] = json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true});
    words["post_processor"] = json!({"type": "RobertaProcessing", "sep": ["[PAD]", 1], "cls": ["[BOS]", 0],
        "trim_offsets": true, "add_prefix_space": true});
    words["decoder"] = json!({"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true});
    [unigram, pieces, words]
}

/// A tree of one node without children or with some units, then texts.
fn charsmap(units: &[(usize, u32)], texts: &str) -> String {
    let mut tree = vec![0u32; 512];
    for (place, unit) in units {
        tree[*place] = *unit;
    }
    let mut bytes = (4 * tree.len() as u32).to_le_bytes().to_vec();
    bytes.extend(tree.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes.extend(texts.as_bytes());
    base64::encode(bytes)
}

/// Real files, without most of their vocabularies.
fn real() -> Vec<Value> {
    let Some(folder) = shared("tokenizers") else { return Vec::new() };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join(Tokenizer::FILE)).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files.iter().map(|file| shrunk(serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())).collect()
}

fn shrunk(mut file: Value) -> Value {
    const TOKENS: usize = 6;
    if let Some(vocab) = file["model"]["vocab"].as_object_mut() {
        let mut place = 0;
        vocab.retain(|_, _| {
            place += 1;
            place <= TOKENS
        });
    } else if let Some(vocab) = file["model"]["vocab"].as_array_mut() {
        vocab.truncate(TOKENS);
    }
    if let Some(merges) = file["model"]["merges"].as_array_mut() {
        merges.clear();
    }
    if let Some(tokens) = file["added_tokens"].as_array_mut() {
        tokens.truncate(4);
    }
    assert!(Tokenizer::new(file.to_string().as_bytes(), None).is_ok(), "{file}");
    file
}

/// All places of a value, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.into());
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            places(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
        }),
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

/// The file without each of its members, and with each of another type or value: every value that is odd, or every so many.
fn damaged(file: &Value, step: usize, mut meet: impl FnMut(&Value)) {
    let odd = json!([
        null, true, false, 0, 1, -1, 3, 0.5, 4_294_967_295_u32, u64::MAX, 1e300, "", " ", "A", "[", "(?=", "\u{1f980}", "▁▁", "A ".repeat(2000),
        [], [[]], ["", ""], [0, 0], {}, {"type": "Strip"}, {"type": "Sequence"}, {"id": "B", "type_id": 0}, {"String": ""}, {"Regex": "(a*)*$|"},
        {"type": "FixedLength", "length": 0}, {"type": "Strip", "content": " ", "start": 9, "stop": 9}, {"type": "Precompiled"},
        {"type": "BPEDecoder", "suffix": ""}, {"type": "Precompiled", "precompiled_charsmap": "/////w=="},
        {"type": "Replace", "pattern": {"Regex": "x*|(?=H)"}, "content": ""}, {"type": "Delimiter", "delimiter": "H"},
    ]);
    let mut found = Vec::new();
    places(file, "", &mut found);
    for (turn, place) in found.iter().enumerate() {
        let (parent, name) = place.rsplit_once('/').unwrap_or_default();
        let mut without = file.clone();
        match without.pointer_mut(parent) {
            Some(Value::Object(members)) => drop(members.shift_remove(&name.replace("~1", "/").replace("~0", "~"))),
            Some(Value::Array(values)) => drop(name.parse().map(|index: usize| values.remove(index))),
            _ => {}
        }
        meet(&without);
        for value in odd.as_array().unwrap().iter().skip(turn % step).step_by(step) {
            let mut other = file.clone();
            *other.pointer_mut(place).unwrap() = value.clone();
            meet(&other);
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    for file in [marked()].into_iter().chain(others()).chain(real()) {
        let text = file.to_string();
        let error = Tokenizer::new(text.as_bytes(), None).err();
        assert!(error.is_none(), "{error:?}");
        // Real files have long regular expressions and added tokens; their cuts are much alike.
        for end in (0..text.len()).step_by(1 + text.len() / 1000) {
            assert!(Tokenizer::new(&text.as_bytes()[..end], None).is_err(), "{end} bytes of {text}");
            let broken = [&text.as_bytes()[..end], b"\xff", &text.as_bytes()[end + 1..]].concat();
            assert!(!panics(&broken));
        }
    }
}

#[test]
fn whatever_is_missing_or_of_another_type_is_no_panic() {
    let mut panicked = 0;
    let made = [(marked(), 1)].into_iter().chain(others().map(|file| (file, 3)));
    for (file, step) in made.chain(real().into_iter().map(|file| (file, 8))) {
        damaged(&file, step, |file| panicked += usize::from(panics(file.to_string().as_bytes())));
    }
    assert_eq!(panicked, 0);
}

#[test]
fn ids_are_those_of_the_library_all_the_same() {
    let [unigram, pieces, _] = others();
    let mut first = marked();
    first["normalizer"] = json!({"type": "NFC"});
    first["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}]});
    let mut split = first.clone();
    split["normalizer"] = Value::Null;
    for file in [marked(), unigram, pieces, first, split].into_iter().chain(real()) {
        let json = file.to_string();
        let library: tokenizers::Tokenizer = json.parse().unwrap();
        let tokenizer = Tokenizer::new(json.as_bytes(), None).unwrap();
        for text in [TEXT, "", " ", "Hello<x>Hello", "Hello 1Hello", "  Hello [BOS] Hello", "He\nllo e\u{301}<x>\u{301}"] {
            let ids = tokenizer.encode(text, true);
            assert_eq!(ids.ok(), library.encode_fast(text, true).ok().map(|ids| ids.get_ids().to_vec()), "{text:?} by {json}");
        }
    }
}

#[test]
fn what_the_library_would_panic_on_is_named() {
    let cases: [(&str, Value, &str); 11] = [
        ("/post_processor/processors/1/single/0/SpecialToken/id", json!("[CLS]"), "\"[CLS]\""),
        ("/post_processor/processors/1/single/1/Sequence/id", json!("B"), "$B"),
        ("/post_processor/processors/0", marked()["post_processor"]["processors"][1].clone(), "TemplateProcessing"),
        ("/pre_tokenizer/pretokenizers/1/length", json!(0), "length 0"),
        ("/decoder/decoders/3/stop", json!(2), "Strip takes 2 characters"),
        ("/normalizer/normalizers/2/precompiled_charsmap", json!("?"), "base64"),
        ("/normalizer/normalizers/2/precompiled_charsmap", json!("/////w=="), "its tree is not whole"),
        ("/model/vocab/He", json!(u32::MAX), "4294967295"),
        ("/model/merges/4", json!(["Hello", "Hello"]), "a merge makes a token of 10 bytes"),
        ("/model/continuing_subword_prefix", json!("##"), "\"##\""),
        (
            "/added_tokens/1",
            json!({"id": 1, "content": "\n[PAD]", "single_word": false, "lstrip": true, "rstrip": true,
            "normalized": false, "special": true}),
            "lstrip",
        ),
    ];
    for (place, value, words) in cases {
        let mut file = marked();
        *file.pointer_mut(place).unwrap() = value;
        let reason = reason(&file);
        assert!(reason.contains(words) && reason.contains(Tokenizer::FILE), "{place}: {reason}");
    }
}

#[test]
fn a_map_of_characters_may_not_lead_out_of_itself() {
    let leaf = |byte: u32, offset: u32| byte | 1 << 8 | offset << 10;
    let with = |units: &[(usize, u32)], texts: &str| {
        let mut file = marked();
        file["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": charsmap(units, texts)});
        file
    };
    // From the root to `H`, whose text is at byte 2.
    let h = usize::from(b'H');
    let good = with(&[(h, leaf(h as u32, 256)), (h ^ 256, 2)], "x\0ll\0");
    let tokenizer = Tokenizer::new(good.to_string().as_bytes(), None).unwrap();
    assert_eq!(tokenizer.encode("H", false).unwrap(), tokenizer.encode("ll", false).unwrap());
    for (units, texts) in [
        (&[(h, leaf(h as u32, 256)), (h ^ 256, 9)][..], "x\0ll\0"),
        (&[(h, leaf(h as u32, 256)), (h ^ 256, 1)], "é\0"),
        (&[(h, leaf(h as u32, 1 << 20))], ""),
        (&[(0, 1 << 20)], ""),
    ] {
        assert!(reason(&with(units, texts)).contains("precompiled_charsmap is damaged"));
    }
}
