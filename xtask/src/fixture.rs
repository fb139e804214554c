//! A model with random weights and a tokenizer of bytes: answers nonsense, quickly, and needs no download.
//!
//! No token ends its answers: such a model would draw it at random, and a test that waits for some text would fail once in a while.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::checkpoint;

/// Writes a Hugging Face folder of a Llama: config.json, model.safetensors, tokenizer.json, tokenizer_config.json.
pub fn write(output: &Path) -> Result<()> {
    let mut config = checkpoint::config("llama");
    config["eos_token_id"] = Value::Null;
    // Long enough that an answer is still being written when a test stops it.
    config["max_position_embeddings"] = 2048.into();
    checkpoint::write(output, &config, &checkpoint::weights(&config))?;
    fs::write(output.join("tokenizer.json"), format!("{:#}\n", tokenizer()))?;
    let template = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:";
    let settings = json!({"bos_token": "<s>", "add_bos_token": true, "chat_template": template});
    fs::write(output.join("tokenizer_config.json"), format!("{settings:#}\n"))?;
    Ok(())
}

/// A byte-level BPE without merges: ids 0 to 255 are the bytes, then `<s>`, `</s>` and `<pad>`.
fn tokenizer() -> Value {
    let mut vocabulary: Map<String, Value> = (0..=255u8).map(|byte| (visible(byte).to_string(), byte.into())).collect();
    let special: Vec<Value> = ["<s>", "</s>", "<pad>"]
        .iter()
        .zip(256..)
        .map(|(token, id)| {
            vocabulary.insert((*token).into(), id.into());
            json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})
        })
        .collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": special, "normalizer": null, "post_processor": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocabulary, "merges": []},
    })
}

/// The character that byte-level tokenizers write for a byte: itself where it is printable Latin-1, else the next free one from U+0100.
fn visible(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    if printable(byte) {
        return byte.into();
    }
    let before = (0..byte).filter(|&other| !printable(other)).count() as u32;
    char::from_u32(256 + before).expect("at most 68 bytes are not printable")
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn bytes_have_the_characters_of_gpt2() {
        assert_eq!([b'A', b' ', b'\n', 0, 255, 173].map(visible), ['A', 'Ġ', 'Ċ', 'Ā', 'ÿ', 'Ń']);
    }
}
