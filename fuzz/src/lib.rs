//! What is fuzzed: every file and body that comes from somebody else. No bytes may panic, hang or
//! take memory without bound; whether they are refused is not asked.

#![allow(missing_docs, reason = "each function is a target of its name")]

use serde_json::{Value, json};
use std::sync::Arc;
use tegula::api::request::ApiRequest;
use tegula::model::budget::{Budget, Memory};
use tegula::text::template::Templates;
use tegula::text::tokenizer::{Tokenizer, TokenizerConfig};
use tegula_compiler::tune::Records;
use tegula_compiler::{CompileOptions, Config};
use tegula_gpu::{DeviceInfo, Limits};
use tegula_package::mlc::ChatConfig;
use tegula_package::mlc::TensorCache;
use tegula_package::{Checkpoint, MemorySource, safetensors};
use tegula_plan::{FORMAT_VERSION, Library, Plan, section};

/// Texts that tokenizers are used on.
const TEXTS: [&str; 6] = ["", " ", "\n\n  a", "Hello  w\u{f6}rld <s>[BOS]", "\u{1f980} \u{fb01}e\u{301}\u{301}", "12345</s>"];

/// tokenizer.json, and tokenizer_config.json.
pub fn tokenizer(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        drop(Tokenizer::new(data, None));
        return;
    };
    drop(TokenizerConfig::parse(text));
    for config in [None, Some(text)] {
        let Ok(tokenizer) = Tokenizer::new(data, config) else { continue };
        let mut ids = vec![0, 1, u32::MAX];
        for text in TEXTS {
            ids.extend(tokenizer.encode(text, true).unwrap_or_default());
            ids.extend(tokenizer.encode(text, false).unwrap_or_default());
        }
        drop((tokenizer.decode(&ids), tokenizer.decode_with_special(&ids)));
    }
}

/// A chat template.
pub fn template(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(templates) = Templates::new([("default", text)]) else { return };
    let call = json!({"type": "function", "function": {"name": "f", "arguments": {"a": [1, "b", null]}}});
    let messages = json!([
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hi\n"}]},
        {"role": "assistant", "content": null, "tool_calls": [call]}, {"role": "tool", "content": "4", "tool_call_id": "x"},
    ]);
    for generation in [true, false] {
        let variables = json!({"messages": messages, "add_generation_prompt": generation, "bos_token": "<s>", "tools": [call]});
        drop(templates.render("default", &variables));
    }
}

/// config.json and mlc-chat-config.json. What is small is compiled.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    drop(ChatConfig::parse(text));
    let Ok(config) = Config::parse(text) else { return };
    if is_small(text) {
        drop(tegula_compiler::compile(&config, &CompileOptions::default()));
    }
}

/// Whether a model can be compiled in no time: no size in its config is large.
fn is_small(text: &str) -> bool {
    fn small(value: &Value) -> bool {
        match value {
            Value::Number(number) => number.as_f64().is_none_or(|number| number.abs() <= 512.0),
            Value::Array(values) => values.iter().all(small),
            Value::Object(members) => {
                let layers = |name: &String| name.contains("layers");
                members.iter().all(|(name, value)| small(value) && (!layers(name) || value.as_u64().is_none_or(|layers| layers < 4)))
            }
            _ => true,
        }
    }
    serde_json::from_str(text).is_ok_and(|value| small(&value))
}

/// tensor-cache.json.
pub fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(manifest) = TensorCache::parse(text) else { return };
    drop(manifest.shards.iter().map(|shard| format!("{} {}", shard.path, shard.bytes)).collect::<Vec<_>>());
}

/// A file of a checkpoint, with the length that its header asks for or another.
pub fn checkpoint(data: &[u8]) {
    let mut checkpoint = Checkpoint::default();
    let source = Arc::new(MemorySource::new("model.safetensors", data.to_vec()));
    if safetensors::add(&mut checkpoint, source).is_err() {
        return;
    }
    for name in checkpoint.names() {
        let tensor = checkpoint.get(name).expect("a name that was listed");
        drop(checkpoint.tensor(name, &tensor.shape));
        drop(tensor.equals(tensor));
    }
}

/// A model library, as bytes with and without a right checksum, or as the JSON of its plan.
pub fn library(data: &[u8]) {
    drop(Library::parse(data));
    drop(Library::parse(&Library::seal(data.to_vec())));
    let Ok(plan) = serde_json::from_slice::<Plan>(data) else { return };
    let Ok(Library { plan, .. }) = Library::parse(&module(&plan)) else { return };
    for variant in &plan.variants {
        for limit in [0, 1 << 20, u64::MAX] {
            let budget = Budget { memory: Some(limit), tokens: None };
            drop(Memory::plan(&plan, variant, &device(), &budget));
        }
    }
}

/// A device that can do everything.
fn device() -> DeviceInfo {
    DeviceInfo {
        name: "made up".into(),
        vendor: "nobody".into(),
        backend: "vulkan".into(),
        driver: String::new(),
        device_type: "discrete",
        subgroups: true,
        subgroup_min_size: 32,
        subgroup_max_size: 32,
        matrix: true,
        f16: true,
        timestamps: false,
        limits: Limits {
            max_buffer: 1 << 40,
            max_storage_binding: 1 << 40,
            workgroup_memory: 1 << 16,
            workgroup_invocations: 1024,
            storage_buffers_per_stage: 16,
            uniform_alignment: 256,
            storage_alignment: 256,
            workgroups_per_dimension: 65535,
        },
    }
}

/// A library of a plan, without code.
fn module(plan: &Plan) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    let sections = [
        (section::VERSION, FORMAT_VERSION.to_le_bytes().to_vec()),
        (section::PLAN, Library::pack(plan)),
        (section::WGSL, Library::pack(&["fn main() {}"; 4])),
    ];
    for (name, body) in sections {
        let size = 1 + name.len() + body.len();
        bytes.push(0);
        bytes.extend([0, 7, 14, 21].map(|shift| (size >> shift & 0x7f) as u8 | if shift < 21 { 0x80 } else { 0 }));
        bytes.push(name.len() as u8);
        bytes.extend(name.as_bytes());
        bytes.extend(body);
    }
    Library::seal(bytes)
}

/// A file of search records.
pub fn records(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(records) = Records::parse("records.txt", text) else { return };
    for record in &records.list {
        drop((record.schedule(), record.time(&record.spec), record.is_of("NVIDIA H200"), record.measured().count()));
    }
    drop((records.devices(), records.knows("llvmpipe")));
}

/// The body of a request.
pub fn request(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let config = ChatConfig::default();
    for request in [ApiRequest::chat(text), ApiRequest::completion(text)].into_iter().flatten() {
        drop(request.requests(&config));
    }
}
