//! Conversion: from a Hugging Face checkpoint to a weight package in MLC's format.
//!
//! A package is `mlc-chat-config.json`, `tensor-cache.json`, the shards it lists and the tokenizer's files. Parameters come from the graph, so
//! that a package holds exactly what a model library compiled from the same config asks for. Tensors pass through in pieces: the memory
//! in use does not grow with the model, but for the scales of one tensor.
//!
//! Nothing is lost in silence: single precision is stored as it is unless bfloat16 holds every value of the tensor or was asked for, and
//! numbers that a type cannot hold are errors.

mod chat_config;
mod checkpoint;
mod conversation;
mod generation;
mod output;
mod quantized;
mod shards;
mod tensor;
mod tokenizer;
mod tokenizer_config;

use crate::config::json;
use crate::graph::GraphParam;
use crate::quant::Quantization;
use crate::{Config, Error, ErrorKind, model};
use checkpoint::{Checkpoint, Tensor};
use output::Partial;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shards::ShardWriter;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use tegula_plan::{Param, count};

pub use tokenizer_config::TEMPLATES;

/// The version of what a conversion writes: whoever keeps packages converts again where it has changed.
///
/// `the_version_stands_for_the_bytes` in this crate's tests says when that is.
pub const VERSION: u32 = 2;

/// What can be chosen.
#[derive(Clone, Copy, Debug)]
pub struct ConvertOptions {
    /// How parameters are stored.
    pub quantization: Quantization,
    /// Whether single precision is rounded to bfloat16 in the files, as MLC does it, even where that loses bits.
    pub f32_as_bf16: bool,
}

impl Default for ConvertOptions {
    fn default() -> Self {
        ConvertOptions { quantization: Quantization::Q4F16_1, f32_as_bf16: false }
    }
}

/// How far a conversion is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Bytes of the checkpoint that have been converted.
    pub done: u64,
    /// Bytes of the checkpoint that will be.
    pub total: u64,
    /// The parameter at hand, by its name in the package.
    pub tensor: &'a str,
}

/// What a conversion made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertReport {
    /// Numbers that the model consists of.
    pub parameters: u64,
    /// Bytes of all shards.
    pub bytes: u64,
    /// How many shards.
    pub shards: usize,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// Something odd that is no reason to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The checkpoint has tensors that the architecture does not use; their names.
    UnusedTensors(Vec<String>),
    /// The config ties the output layer to the embedding, but the checkpoint has another one.
    HeadIgnored,
    /// A setting makes no sense and is left out.
    Setting {
        /// The file that has it.
        file: &'static str,
        /// Its name.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What would make sense.
        expected: &'static str,
        /// What the package says; null for nothing.
        instead: Value,
    },
    /// There is no `tokenizer.json`.
    NoTokenizer,
    /// The tokenizer has no chat template, or one that MLC's templates have no like of.
    NoConversation,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::UnusedTensors(names) => {
                const SHOWN: usize = 8;
                write!(f, "the architecture does not use {} of the checkpoint: ", count(names.len(), "tensor"))?;
                f.write_str(&names[..names.len().min(SHOWN)].join(", "))?;
                if names.len() > SHOWN { f.write_str(", …") } else { Ok(()) }
            }
            Warning::HeadIgnored => f.write_str(
                "config.json ties the output layer to the embedding, but lm_head.weight of the checkpoint differs from it: \
                 the embedding is used; if the model has an output layer of its own, set `tie_word_embeddings` to false",
            ),
            Warning::Setting { file, setting, found, expected, instead } => {
                write!(f, "`{setting}` in {file} is {found}, but must be {expected}; ")?;
                if instead.is_null() { f.write_str("the package has none") } else { write!(f, "the package has {instead}") }
            }
            Warning::NoTokenizer => f.write_str("there is no tokenizer.json: the package takes and gives token ids only"),
            Warning::NoConversation => f.write_str("no known chat template: WebLLM will join messages without any markup"),
        }
    }
}

/// Converts the checkpoint in the folder `source` into a package in the folder `output`.
///
/// The package is made beside `output` and takes its place when it is complete. A package that is there already is replaced. `progress` is told
/// after every piece, and may break off there.
///
/// # Errors
/// [`ErrorKind::ForeignFolder`] and [`ErrorKind::Busy`] for an `output` that may not be replaced, before anything else; what
/// [`Config::parse`] and the architecture say of the config; [`ErrorKind::Checkpoint`], [`ErrorKind::MissingTensor`],
/// [`ErrorKind::TensorShape`] and [`ErrorKind::TensorType`] before anything is converted; [`ErrorKind::TensorValue`]; [`ErrorKind::Io`];
/// [`ErrorKind::Interrupted`]. `output` is as it was after an error.
pub fn convert(
    source: &Path,
    output: &Path,
    options: &ConvertOptions,
    progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<ConvertReport, Error> {
    let partial = Partial::create(output)?;
    let config_path = source.join("config.json");
    if !config_path.is_file() {
        let reason = "there is no config.json; give the folder of a Hugging Face checkpoint".into();
        return Err(ErrorKind::Checkpoint { path: source.into(), reason }.into());
    }
    let config = Config::parse(&read_text(&config_path)?)?;
    let graph = model::graph(&config)?;
    let checkpoint = Checkpoint::open(source)?;
    quantized::check(source, &config, &checkpoint)?;
    let parts = graph.params.iter().map(|param| sources_of(param, &checkpoint)).collect::<Result<Vec<_>, _>>()?;

    let mut warnings = Vec::new();
    let used: BTreeSet<&str> = parts.iter().flatten().map(|tensor| tensor.name.as_str()).collect();
    let unused: Vec<_> = checkpoint.names().filter(|name| !used.contains(name) && !is_redundant(name)).map(String::from).collect();
    if !unused.is_empty() {
        warnings.push(Warning::UnusedTensors(unused));
    }
    if !used.contains(HEAD)
        && let (Some(head), Some(table)) = (checkpoint.get(HEAD), checkpoint.get(TABLE))
        && !head.equals(table)?
    {
        warnings.push(Warning::HeadIgnored);
    }
    chat_config::write(source, partial.path(), &config, &graph, options.quantization, &mut warnings)?;

    let total = parts.iter().flatten().map(|tensor| tensor.bytes()).sum();
    let mut done = 0;
    let mut converter = tensor::Converter::new(options, ShardWriter::new(partial.path()));
    for (param, sources) in graph.params.iter().zip(&parts) {
        converter.convert(param, sources, &mut |bytes| {
            done += bytes;
            match progress(Progress { done, total, tensor: &param.name }) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(ErrorKind::Interrupted.into()),
            }
        })?;
    }
    let parameters = graph.params.iter().map(|param| param.shape.iter().product::<u64>()).sum();
    let (bytes, shards) = converter.finish(parameters)?;
    partial.commit()?;
    Ok(ConvertReport { parameters, bytes, shards, warnings })
}

/// The texts of tokenizer.json and tokenizer_config.json in the package of a checkpoint, if that
/// has a tokenizer. What is in files beside the config is part of it.
///
/// # Errors
/// [`ErrorKind::Checkpoint`] if a file is damaged, [`ErrorKind::Io`].
pub fn tokenizer(source: &Path) -> Result<Option<(String, String)>, Error> {
    let path = source.join("tokenizer.json");
    if !path.is_file() {
        return Ok(None);
    }
    Ok(Some((read_text(&path)?, tokenizer_config::TokenizerConfig::read(source)?.text)))
}

/// Bytes of the tensors in the package of a model, without converting it: the files beside them take little.
///
/// # Errors
/// What the architecture says of the config.
pub fn tensor_bytes(config: &Config, quantization: Quantization) -> Result<u64, Error> {
    let bytes = |param: Param| param.shape.iter().product::<u64>() * param.dtype.bytes();
    Ok(model::graph(config)?.params.iter().flat_map(|param| quantization.params_of(param)).map(bytes).sum())
}

/// Finds the tensors that a parameter is stacked from.
fn sources_of<'a>(param: &GraphParam, checkpoint: &'a Checkpoint) -> Result<Vec<&'a Tensor>, Error> {
    let shape = |rows| [&[rows], &param.shape[1..]].concat();
    param.sources.iter().map(|source| checkpoint.tensor(&source.name, &shape(source.rows))).collect()
}

/// The output layer, and the embedding that it is tied to in some models.
const HEAD: &str = "lm_head.weight";
const TABLE: &str = "model.embed_tokens.weight";

/// Whether a tensor that the graph does not name needs no word: rotation frequencies that old
/// checkpoints carry, and the copy of the embedding table that some write for a tied output layer.
/// An output layer that is no copy has a warning of its own.
fn is_redundant(name: &str) -> bool {
    name.ends_with("rotary_emb.inv_freq") || name == HEAD
}

fn io(path: &Path, source: std::io::Error) -> Error {
    ErrorKind::Io { path: path.into(), source }.into()
}

fn read_text(path: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(path).map_err(|error| io(path, error))?;
    let damaged = |reason: &str| Error::from(ErrorKind::Checkpoint { path: path.into(), reason: reason.into() });
    if let Some(reason) = json::impostor(&bytes) {
        return Err(damaged(reason));
    }
    String::from_utf8(bytes).map_err(|_| damaged("it is not text (UTF-8); download it again"))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let damaged = |error: serde_json::Error| ErrorKind::Checkpoint { path: path.into(), reason: error.to_string() };
    json::parse(&read_text(path)?).map_err(|error| damaged(error).into())
}

/// Writes a value as JSON, with lines indented by `indent` as MLC's own files have them.
fn write_json(path: &Path, value: &impl Serialize, indent: &[u8]) -> Result<(), Error> {
    let mut file = BufWriter::new(File::create(path).map_err(|error| io(path, error))?);
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent);
    let written = value.serialize(&mut serde_json::Serializer::with_formatter(&mut file, formatter));
    written.map_err(std::io::Error::from).and_then(|()| file.flush()).map_err(|error| io(path, error))
}
