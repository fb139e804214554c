//! Weight packages from a folder: loading one into an engine, and reading one back as plain numbers for the reference.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use half::f16;
use serde_json::Value;
use tegula::host::Package as Said;
use tegula::load::Module;
use tegula::load::weights::Loader;
use tegula::model::budget::Budget;
use tegula::model::step::Model;
use tegula::text::tokenizer::Tokenizer;
use tegula_compiler::convert::ConvertOptions;
use tegula_compiler::quant::Quantization;
use tegula_compiler::{CompileOptions, Config, compile};
use tegula_gpu::{Gpu, Origin};
use tegula_package::mlc::ChatConfig;
use tempfile::TempDir;

use crate::checkpoint::Tensors;
use crate::solo::Solo;

/// The tensors of a package under Hugging Face's names, unpacked to f32: what the weights are worth after quantization.
///
/// Written from the description of MLC's format, independently of the code that converts.
pub fn read(package: &Path, config: &Value) -> Tensors {
    let manifest = json(&package.join("tensor-cache.json"));
    let mut stored = std::collections::BTreeMap::new();
    for shard in list(&manifest["records"]) {
        let bytes = fs::read(package.join(shard["dataPath"].as_str().expect("dataPath"))).expect("a shard");
        for record in list(&shard["records"]) {
            let number = |name: &str| record[name].as_u64().expect("a number") as usize;
            let payload = bytes[number("byteOffset")..][..number("nbytes")].to_vec();
            let shape: Vec<usize> = list(&record["shape"]).iter().map(|size| size.as_u64().expect("a size") as usize).collect();
            stored.insert(record["name"].as_str().expect("name").to_owned(), (shape, unpack(record, &payload)));
        }
    }
    let mut tensors = Tensors::new();
    for (name, (shape, values)) in &stored {
        let (name, shape, values) = match (name.strip_suffix(".q_weight"), name.ends_with(".q_scale")) {
            (_, true) => continue,
            (None, _) => (name.clone(), shape.clone(), floats(values)),
            (Some(stem), _) => {
                let columns = columns(stem, config);
                let scales = floats(&stored[&format!("{stem}.q_scale")].1);
                (format!("{stem}.weight"), vec![shape[0], columns], dequantize(values, &scales, shape[0], columns))
            }
        };
        split(&name, &shape, values, config, &mut tensors);
    }
    tensors
}

/// What a record holds.
enum Values {
    Words(Vec<u32>),
    Floats(Vec<f32>),
}

fn unpack(record: &Value, payload: &[u8]) -> Values {
    let words = || payload.as_chunks().0.iter().copied().map(u32::from_le_bytes);
    let halves = || payload.as_chunks().0.iter().copied().map(u16::from_le_bytes);
    match (record["dtype"].as_str().expect("dtype"), record["format"].as_str().expect("format")) {
        ("uint32", _) => Values::Words(words().collect()),
        ("float16", _) => Values::Floats(halves().map(|bits| f16::from_bits(bits).to_f32()).collect()),
        ("float32", "f32-to-bf16") => Values::Floats(halves().map(|bits| f32::from_bits(u32::from(bits) << 16)).collect()),
        ("float32", "raw") => Values::Floats(words().map(f32::from_bits).collect()),
        other => panic!("{other:?}"),
    }
}

fn floats(values: &Values) -> Vec<f32> {
    match values {
        Values::Floats(values) => values.clone(),
        Values::Words(_) => panic!("packed words where numbers were expected"),
    }
}

/// Eight 4-bit weights a word, lowest first, zero point 7, one scale for 32; rows padded to whole groups.
fn dequantize(values: &Values, scales: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let Values::Words(words) = values else { panic!("quantized weights are words") };
    let groups = columns.div_ceil(32);
    let mut unpacked = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        for column in 0..columns {
            let word = words[row * groups * 4 + column / 8];
            let code = (word >> (4 * (column % 8))) & 15;
            unpacked.push((code as f32 - 7.0) * scales[row * groups + column / 32]);
        }
    }
    unpacked
}

fn size(config: &Value, name: &str) -> usize {
    config[name].as_u64().unwrap_or_else(|| panic!("config has {name}")) as usize
}

/// Elements of all heads that `name` counts.
fn heads(config: &Value, name: &str) -> usize {
    let dim = config["head_dim"].as_u64().map(|dim| dim as usize);
    size(config, name) * dim.unwrap_or_else(|| size(config, "hidden_size") / size(config, "num_attention_heads"))
}

/// Input features of a matrix: the packed shape is padded, so the config must say.
fn columns(stem: &str, config: &Value) -> usize {
    let size = |name: &str| size(config, name);
    match stem.rsplit('.').next() {
        Some("o_proj") => heads(config, "num_attention_heads"),
        Some("down_proj") => size("intermediate_size"),
        _ => size("hidden_size"),
    }
}

/// Undoes the fusion of q, k, v and of gate, up.
fn split(name: &str, shape: &[usize], values: Vec<f32>, config: &Value, tensors: &mut Tensors) {
    let (query, kv, ffn) = (heads(config, "num_attention_heads"), heads(config, "num_key_value_heads"), size(config, "intermediate_size"));
    let qkv = [("q_proj", query), ("k_proj", kv), ("v_proj", kv)];
    let parts: &[(&str, usize)] = match name.split('.').rev().nth(1) {
        Some("qkv_proj" | "c_attn") => &qkv,
        Some("gate_up_proj") => &[("gate_proj", ffn), ("up_proj", ffn)],
        _ => {
            tensors.insert(name.to_owned(), (shape.to_vec(), values));
            return;
        }
    };
    let width: usize = shape[1..].iter().product();
    let mut rest = values.as_slice();
    for (part, rows) in parts {
        let (mine, after) = rest.split_at(rows * width);
        rest = after;
        let fused = name.split('.').rev().nth(1).expect("a module");
        let shape = std::iter::once(*rows).chain(shape[1..].iter().copied()).collect();
        tensors.insert(name.replace(fused, part), (shape, mine.to_vec()));
    }
    assert!(rest.is_empty(), "{name} has more rows than its parts");
}

/// Parses a JSON file.
pub fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A package on disk, as long as the value lives.
pub struct Package {
    folder: TempDir,
}

impl Package {
    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("package")
    }
}

/// Converts a Hugging Face folder.
pub fn convert(source: &Path, quantization: &str) -> Package {
    let folder = tempfile::tempdir().expect("a folder for tests");
    let quantization = Quantization::parse(quantization).expect("a known quantization");
    let options = ConvertOptions { quantization, ..ConvertOptions::default() };
    let package = Package { folder };
    let converted = tegula_compiler::convert::convert(source, &package.path(), &options, &mut |_| ControlFlow::Continue(()));
    converted.unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    package
}

/// Compiles a library for a package and loads both onto a device.
pub fn model(gpu: &Gpu, package: &Path, options: &CompileOptions) -> Model {
    model_within(gpu, package, options, Budget::default())
}

/// As [`model`], within a budget.
pub fn model_within(gpu: &Gpu, package: &Path, options: &CompileOptions, budget: Budget) -> Model {
    let config = fs::read_to_string(package.join("mlc-chat-config.json")).expect("a config");
    let compiled = compile(&Config::parse(&config).expect("a config"), options).expect("a library");
    pollster::block_on(load_within(gpu, package, own(&compiled.library), budget).finish()).expect("a model")
}

/// A library that this process compiled, which runs as such libraries do.
#[expect(unsafe_code, reason = "tests compile the libraries that they run")]
pub fn own(library: &[u8]) -> Module<'_> {
    // SAFETY: it is called with what the compiler returned to this process.
    Module { origin: unsafe { Origin::compiler() }, ..Module::from(library) }
}

/// Loads a package with a library, up to the point where kernels are compiled.
pub fn load(gpu: &Gpu, package: &Path, library: &[u8]) -> Loader {
    load_within(gpu, package, own(library), Budget::default())
}

/// [`load`] within a budget.
pub fn load_within(gpu: &Gpu, package: &Path, library: Module<'_>, budget: Budget) -> Loader {
    let text = |name: &str| fs::read_to_string(package.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (config, manifest) = (text("mlc-chat-config.json"), text("tensor-cache.json"));
    let mut loader = Loader::new(gpu.clone(), library, Some(&config), &manifest, budget).expect("they fit each other");
    for (index, shard) in loader.shards().to_vec().iter().enumerate() {
        loader.begin(index).expect("a shard");
        loader.push(&fs::read(package.join(&shard.path)).expect("its file")).expect("its bytes");
        loader.end().expect("its hash");
    }
    loader
}

/// [`model`], with the package's tokenizer if it has one, in a host of its own.
pub fn engine(gpu: &Gpu, package: &Path, options: &CompileOptions) -> Solo {
    engine_within(gpu, package, options, Budget::default())
}

/// As [`engine`], within a budget.
pub fn engine_within(gpu: &Gpu, package: &Path, options: &CompileOptions, budget: Budget) -> Solo {
    Solo::new(model_within(gpu, package, options, budget), texts(package))
}

/// What a package says beside its weights.
pub fn texts(package: &Path) -> Said {
    let file = |name: &str| fs::read(package.join(name)).ok();
    let settings = file("tokenizer_config.json").map(|bytes| String::from_utf8(bytes).expect("text"));
    let tokenizer = file("tokenizer.json").map(|json| Tokenizer::new(&json, settings.as_deref()).expect("a tokenizer"));
    let config = file("mlc-chat-config.json").map(|bytes| String::from_utf8(bytes).expect("text")).expect("a config");
    Said { tokenizer, config: ChatConfig::parse(&config).expect("a config"), ..Said::default() }
}

/// The tensors of a checkpoint.
///
/// # Panics
/// If it is no checkpoint.
pub fn checkpoint(folder: &Path) -> crate::checkpoint::Tensors {
    let opened = tegula_package::safetensors::open(folder).expect("a checkpoint");
    let tensor = |name: &str| {
        let tensor = opened.get(name).expect("it is named");
        let mut bytes = vec![0; tensor.bytes() as usize];
        tensor.source.read(&[tensor.extent(0..tensor.elements())], &mut bytes).expect("a file");
        let mut values = vec![0.0; tensor.elements() as usize];
        tensor.element.widen(&bytes, &mut values);
        (name.to_owned(), (tensor.shape.iter().map(|&length| length as usize).collect(), values))
    };
    opened.names().map(tensor).collect()
}
