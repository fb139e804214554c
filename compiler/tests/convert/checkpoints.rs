//! A small model's checkpoint, made for a test, and a reader for packages that shares nothing with the writer.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Sizes of the model.
pub struct Sizes {
    pub hidden: u64,
    pub ffn: u64,
    pub vocab: u64,
    pub layers: u64,
    pub kv: u64,
}

/// The feed-forward width does not divide by 32, nor does the vocabulary by anything in particular.
pub const CONFIG: Sizes = Sizes { hidden: 64, ffn: 172, vocab: 96, layers: 2, kv: 32 };

/// Element types in safetensors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Element {
    F32,
    F16,
    Bf16,
    I32,
}

impl Element {
    fn name(self) -> &'static str {
        match self {
            Element::F32 => "F32",
            Element::F16 => "F16",
            Element::Bf16 => "BF16",
            Element::I32 => "I32",
        }
    }

    fn size(self) -> u64 {
        if matches!(self, Element::F32 | Element::I32) { 4 } else { 2 }
    }

    fn bytes(self, value: f32) -> Vec<u8> {
        match self {
            Element::F32 => value.to_le_bytes().into(),
            Element::F16 => half::f16::from_f32(value).to_le_bytes().into(),
            Element::Bf16 => half::bf16::from_f32(value).to_le_bytes().into(),
            Element::I32 => (value as i32).to_le_bytes().into(),
        }
    }

    fn rounded(self, value: f32) -> f32 {
        match self {
            Element::F16 => half::f16::from_f32(value).to_f32(),
            Element::Bf16 => half::bf16::from_f32(value).to_f32(),
            _ => value,
        }
    }
}

/// A tensor to write. Where `values` is shorter than `shape` says, zeros follow.
#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    pub shape: Vec<u64>,
    pub element: Element,
    pub values: Vec<f32>,
}

/// A tensor of one number.
pub fn number(name: &str, shape: &[u64], element: Element, value: f32) -> Tensor {
    let values = vec![value; shape.iter().product::<u64>() as usize];
    Tensor { name: name.into(), shape: shape.into(), element, values }
}

/// A tensor of numbers that look like weights and repeat exactly, with a group of zeros at the start of every seventh row.
fn weights(name: &str, rows: u64, columns: u64, element: Element) -> Tensor {
    let mut state = name.bytes().fold(7u64, |state, byte| state.wrapping_mul(31).wrapping_add(byte.into()));
    let mut tensor = number(name, &[rows, columns], element, 0.0);
    for (index, value) in tensor.values.iter_mut().enumerate() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (row, column) = (index as u64 / columns, index as u64 % columns);
        if row % 7 != 0 || column >= 32 {
            *value = ((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * 0.05;
        }
    }
    tensor
}

/// The tensors of a Llama of this size, with an output layer of its own.
pub fn tensors(element: Element) -> Vec<Tensor> {
    let Sizes { hidden, ffn, vocab, layers, kv } = CONFIG;
    let mut all = vec![weights("lm_head.weight", vocab, hidden, element), weights("model.embed_tokens.weight", vocab, hidden, element)];
    for layer in 0..layers {
        let at = format!("model.layers.{layer}");
        for (name, rows, columns) in [
            ("mlp.down_proj", hidden, ffn),
            ("mlp.gate_proj", ffn, hidden),
            ("mlp.up_proj", ffn, hidden),
            ("self_attn.k_proj", kv, hidden),
            ("self_attn.o_proj", hidden, hidden),
            ("self_attn.q_proj", hidden, hidden),
            ("self_attn.v_proj", kv, hidden),
        ] {
            all.push(weights(&format!("{at}.{name}.weight"), rows, columns, element));
        }
        for name in ["input_layernorm", "post_attention_layernorm"] {
            all.push(number(&format!("{at}.{name}.weight"), &[hidden], element, 1.0));
        }
    }
    all.push(number("model.norm.weight", &[hidden], element, 1.0));
    all
}

/// What a Qwen2 has beyond that.
pub fn biases(element: Element) -> Vec<Tensor> {
    let Sizes { hidden, layers, kv, .. } = CONFIG;
    let bias = |layer, name, rows| number(&format!("model.layers.{layer}.self_attn.{name}.bias"), &[rows], element, 0.25);
    (0..layers).flat_map(|layer| [bias(layer, "q_proj", hidden), bias(layer, "k_proj", kv), bias(layer, "v_proj", kv)]).collect()
}

/// The config of that Llama, with some settings changed.
pub fn config(changes: &[(&str, Value)]) -> String {
    let Sizes { hidden, ffn, vocab, layers, .. } = CONFIG;
    let mut config = json!({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": hidden, "intermediate_size": ffn,
        "num_hidden_layers": layers, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": vocab, "rms_norm_eps": 1e-5,
        "max_position_embeddings": 256, "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "bfloat16"});
    for (name, value) in changes {
        config[name] = value.clone();
    }
    config.to_string()
}

/// A checkpoint's folder, alone in another one that goes when this does.
pub struct Folder {
    root: tempfile::TempDir,
    path: PathBuf,
    tensors: Vec<Tensor>,
}

impl Folder {
    /// Everything in one file.
    pub fn new(config: &str, tensors: &[Tensor]) -> Folder {
        let folder = Folder::empty(config, tensors);
        write(&folder.path.join("model.safetensors"), &folder.tensors);
        folder
    }

    /// Tensors dealt to several files, with an index.
    pub fn in_files(config: &str, tensors: &[Tensor], files: usize) -> Folder {
        let folder = Folder::empty(config, tensors);
        let mut index = Map::new();
        for file in 0..files {
            let name = format!("model-{:05}-of-{files:05}.safetensors", file + 1);
            let part: Vec<Tensor> = folder.tensors.iter().skip(file).step_by(files).cloned().collect();
            write(&folder.path.join(&name), &part);
            index.extend(part.into_iter().map(|tensor| (tensor.name, json!(name))));
        }
        folder.write("model.safetensors.index.json", &json!({"metadata": {"total_size": 0}, "weight_map": index}).to_string());
        folder
    }

    fn empty(config: &str, tensors: &[Tensor]) -> Folder {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("checkpoint");
        std::fs::create_dir(&path).unwrap();
        let folder = Folder { root, path, tensors: tensors.into() };
        folder.write("config.json", config);
        folder
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn beside(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path.join(name), text).unwrap();
    }

    /// What is beside the checkpoint, and it.
    pub fn neighbours(&self) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(self.root.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A tensor's numbers as the checkpoint holds them.
    pub fn numbers(&self, name: &str) -> Vec<f32> {
        let tensor = self.tensors.iter().find(|tensor| tensor.name == name).unwrap();
        tensor.values.iter().map(|value| tensor.element.rounded(*value)).collect()
    }
}

/// Writes a safetensors file.
fn write(path: &Path, tensors: &[Tensor]) {
    let (mut header, mut end) = (Map::new(), 0);
    for tensor in tensors {
        let start = end;
        end += tensor.shape.iter().product::<u64>() * tensor.element.size();
        let entry = json!({"dtype": tensor.element.name(), "shape": tensor.shape, "data_offsets": [start, end]});
        header.insert(tensor.name.clone(), entry);
    }
    header.insert("__metadata__".into(), json!({"format": "pt"}));
    let header = Value::Object(header).to_string();
    let mut file = File::create(path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    let mut start = 8 + header.len() as u64;
    for tensor in tensors {
        file.seek(SeekFrom::Start(start)).unwrap();
        let bytes: Vec<u8> = tensor.values.iter().flat_map(|value| tensor.element.bytes(*value)).collect();
        file.write_all(&bytes).unwrap();
        start += tensor.shape.iter().product::<u64>() * tensor.element.size();
    }
    file.set_len(start).unwrap();
}

/// A package that was written.
pub struct Package {
    path: PathBuf,
    /// Tensors by name: the shard, and what the manifest says.
    records: BTreeMap<String, (String, Value)>,
}

impl Package {
    /// Reads the manifest. Every shard has the length that it says.
    pub fn open(path: &Path) -> Package {
        let manifest: Value = serde_json::from_str(&std::fs::read_to_string(path.join("tensor-cache.json")).unwrap()).unwrap();
        let mut records = BTreeMap::new();
        for shard in manifest["records"].as_array().unwrap() {
            let file = shard["dataPath"].as_str().unwrap();
            assert_eq!(std::fs::metadata(path.join(file)).unwrap().len(), shard["nbytes"].as_u64().unwrap());
            for record in shard["records"].as_array().unwrap() {
                records.insert(record["name"].as_str().unwrap().into(), (file.into(), record.clone()));
            }
        }
        assert_eq!(manifest["metadata"]["ParamSize"], records.len());
        Package { path: path.into(), records }
    }

    pub fn record(&self, name: &str) -> &Value {
        &self.records[name].1
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path.join(name)).unwrap()
    }

    /// All files with their contents.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(&self.path).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect()
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let (shard, record) = &self.records[name];
        let [offset, length] = ["byteOffset", "nbytes"].map(|field| record[field].as_u64().unwrap() as usize);
        std::fs::read(self.path.join(shard)).unwrap()[offset..][..length].into()
    }

    pub fn words(&self, name: &str) -> Vec<u32> {
        assert_eq!(self.record(name)["dtype"], "uint32");
        self.bytes(name).chunks(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap())).collect()
    }

    /// Numbers of whatever precision.
    pub fn numbers(&self, name: &str) -> Vec<f32> {
        let (bytes, record) = (self.bytes(name), self.record(name));
        match (record["dtype"].as_str().unwrap(), record["format"].as_str().unwrap()) {
            ("float16", _) => bytes.chunks(2).map(|bytes| half::f16::from_le_bytes(bytes.try_into().unwrap()).to_f32()).collect(),
            ("float32", "f32-to-bf16") => {
                bytes.chunks(2).map(|bytes| half::bf16::from_le_bytes(bytes.try_into().unwrap()).to_f32()).collect()
            }
            ("float32", "raw") => bytes.chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect(),
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// The folder with real data; `None`, and a word about it, where there is none.
pub fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: ../shared/data is absent");
    None
}
