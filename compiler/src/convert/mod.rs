//! Conversion: from a Hugging Face checkpoint to a weight package in MLC's format.
//!
//! Parameters come from the graph, so that a package holds exactly what a model library compiled from the same config asks for: [`recipe`]
//! says how each is made, and the crate `tegula-package` runs that to disk. The rest of this folder is about the files beside the tensors.
//!
//! Nothing is lost in silence. Single precision is stored as it is, unless bfloat16 holds every value of the tensor or was asked for.
//! Numbers that a type cannot hold are errors.

mod chat_config;
mod conversation;
mod generation;
mod recipe;
mod tokenizer;
mod tokenizer_config;
mod unused;
mod warning;

use crate::quant::Quantization;
use crate::{Config, Error, model};
use std::ops::ControlFlow;
use std::path::Path;
use tegula_package::mlc::folder::Partial;
use tegula_package::mlc::shards::ShardWriter;
use tegula_package::{file, safetensors};
use tegula_plan::Param;

pub use tegula_package::recipe::Progress;
pub use tokenizer_config::TEMPLATES;
pub use warning::Warning;

/// The version of what a conversion writes: whoever keeps packages converts again where it has changed.
///
/// `the_version_stands_for_the_bytes` in this crate's tests says when that is.
pub const VERSION: u32 = 4;

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

/// Converts the checkpoint in the folder `source` into a package in the folder `output`.
///
/// The package is made beside `output` and takes its place when it is complete. A package that is there already is replaced. `progress` is told
/// after every piece, and may break off there.
///
/// # Errors
/// What [`Config::parse`] and the architecture say of the config, and [`crate::ErrorKind::Package`]. Of
/// its kinds, `ForeignFolder` and `Busy` come before anything else, for an `output` that may not be
/// replaced; `Checkpoint`, `MissingTensor`, `TensorShape` and `TensorType` before anything is converted.
/// `output` is as it was after an error.
pub fn convert(
    source: &Path,
    output: &Path,
    options: &ConvertOptions,
    progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<ConvertReport, Error> {
    let partial = Partial::create(output)?;
    let config_path = source.join("config.json");
    if !config_path.is_file() {
        return Err(file::damaged(source, "there is no config.json; give the folder of a Hugging Face checkpoint").into());
    }
    let config = Config::parse(&file::read_text(&config_path)?)?;
    let graph = model::graph(&config)?;
    let checkpoint = safetensors::open(source)?;
    safetensors::quantized::check(source, &config.settings, &checkpoint)?;
    let recipe = recipe::of(&graph, &checkpoint, options)?;

    let mut warnings = unused::warnings(&recipe, &checkpoint)?;
    chat_config::write(source, partial.path(), &config, &graph, options.quantization, &mut warnings)?;

    let mut shards = ShardWriter::new(partial.path());
    recipe.run(&mut shards, progress)?;
    let parameters = graph.params.iter().map(|param| param.shape.iter().product::<u64>()).sum();
    let (bytes, shards) = shards.finish(parameters)?;
    partial.commit()?;
    Ok(ConvertReport { parameters, bytes, shards, warnings })
}

/// The texts of tokenizer.json and tokenizer_config.json in the package of a checkpoint, if that
/// has a tokenizer. What is in files beside the config is part of it.
///
/// # Errors
/// [`crate::ErrorKind::Package`] if a file is damaged or cannot be read.
pub fn tokenizer(source: &Path) -> Result<Option<(String, String)>, Error> {
    let path = source.join("tokenizer.json");
    if !path.is_file() {
        return Ok(None);
    }
    Ok(Some((file::read_text(&path)?, tokenizer_config::TokenizerConfig::read(source)?.text)))
}

/// Bytes of the tensors in the package of a model, without converting it: the files beside them take little.
///
/// # Errors
/// What the architecture says of the config.
pub fn tensor_bytes(config: &Config, quantization: Quantization) -> Result<u64, Error> {
    let bytes = |param: Param| param.shape.iter().product::<u64>() * param.dtype.bytes();
    Ok(model::graph(config)?.params.iter().flat_map(|param| quantization.params_of(param)).map(bytes).sum())
}
