//! `mlc-chat-config.json`: what the model is, how it is served, and how to chat with it.

use super::generation::Generation;
use super::tokenizer::{self, Tokenizer};
use super::tokenizer_config::TokenizerConfig;
use super::{Warning, conversation};
use crate::graph::{Graph, OpKind};
use crate::model::Rope;
use crate::quant::Quantization;
use crate::{Config, Error, fingerprint};
use serde_json::{Map, Value, json};
use std::path::Path;
use tegula_package::file;
use tegula_package::mlc::ChatConfig;
use tegula_package::mlc::chat_config::{ConvTemplate, TokenIds};

/// The most rows of a prefill step, unless whoever compiles the model asks for others.
const PREFILL_CHUNK_SIZE: u32 = 1024;

/// Positions of a model whose config does not tell.
const CONTEXT_WINDOW_SIZE: u32 = 2048;

/// Settings of a Hugging Face config that say nothing about the model.
const FOREIGN: [&str; 5] = ["_name_or_path", "architectures", "model_type", "torch_dtype", "transformers_version"];

/// Writes the file, and copies the tokenizer's files beside it.
///
/// # Errors
/// [`crate::ErrorKind::Package`] for a file of `source` that is damaged, or one that cannot be written.
pub fn write(
    source: &Path,
    output: &Path,
    config: &Config,
    graph: &Graph,
    quantization: Quantization,
    warnings: &mut Vec<Warning>,
) -> Result<(), Error> {
    let generation = Generation::read(source, config, graph.vocab_size)?;
    let tokenizer_config = TokenizerConfig::read(source)?;
    let tokenizer = Tokenizer::read(source, &tokenizer_config)?;
    if let Some(tokenizer) = &tokenizer {
        tokenizer.check(source, graph.vocab_size)?;
    }
    let [pad, bos, eos] = ["pad_token_id", "bos_token_id", "eos_token_id"].map(|name| generation.ids(name, warnings));
    let conv_template = conversation::guess(&tokenizer_config, tokenizer.as_ref(), bos.first().copied(), &eos);
    if tokenizer.is_none() {
        warnings.push(Warning::NoTokenizer);
    } else if conversation::is_plain(&conv_template) {
        warnings.push(Warning::NoConversation);
    }

    let context = graph.max_positions.unwrap_or(CONTEXT_WINDOW_SIZE);
    // WebLLM wants either a context window or a sliding window that every layer has.
    let window = window(graph);
    let ids = |ids: &[u32]| TokenIds::from(&ids[..ids.len().min(1)]);
    let chat = ChatConfig {
        version: "0.1.0".into(),
        model_type: config.model_type.clone().unwrap_or_else(|| graph.architecture.into()),
        quantization: quantization.name().into(),
        model_config: model_config(config, graph, quantization)?,
        vocab_size: Some(graph.vocab_size),
        context_window_size: Some(window.map_or(context.into(), |_| -1)),
        sliding_window_size: Some(window.map_or(-1, i64::from)),
        prefill_chunk_size: Some(context.min(PREFILL_CHUNK_SIZE).into()),
        attention_sink_size: Some(window.map_or(-1, |_| 0)),
        tensor_parallel_shards: Some(1),
        pipeline_parallel_stages: Some(1),
        active_vocab_size: Some(tokenizer.as_ref().map_or(graph.vocab_size, |tokenizer| tokenizer.size)),
        temperature: generation.temperature(warnings),
        presence_penalty: generation.number("presence_penalty", Some(0.0), warnings),
        frequency_penalty: generation.number("frequency_penalty", Some(0.0), warnings),
        repetition_penalty: generation.number("repetition_penalty", Some(1.0), warnings),
        top_p: generation.number("top_p", Some(1.0), warnings),
        // MLC leaves these out, and models that name them were tried with them.
        top_k: generation.top_k(warnings),
        min_p: generation.number("min_p", None, warnings),
        tokenizer_files: tokenizer::copy(source, output, &tokenizer_config)?.into_iter().map(str::to_owned).collect(),
        tokenizer_info: tokenizer.map(|tokenizer| tokenizer.info),
        conv_template: ConvTemplate::Whole(Box::new(conv_template)),
        pad_token_id: ids(&pad),
        bos_token_id: ids(&bos),
        eos_token_id: TokenIds::from(&eos[..]),
        fingerprint: fingerprint::of(graph),
    };
    Ok(file::write_json(&output.join(ChatConfig::FILE), &chat, b"  ")?)
}

/// The settings of the architecture: Hugging Face's, and those that MLC adds or spells in another way.
fn model_config(config: &Config, graph: &Graph, quantization: Quantization) -> Result<Map<String, Value>, Error> {
    let mut settings = config.settings.clone();
    settings.retain(|name, _| !FOREIGN.contains(&name.as_str()));
    let context = graph.max_positions.unwrap_or(CONTEXT_WINDOW_SIZE);
    rope(config, graph, &mut settings)?;
    let window = window(graph).map_or(-1, i64::from);
    for (name, value) in [
        ("context_window_size", json!(if window > 0 { -1 } else { i64::from(context) })),
        ("prefill_chunk_size", json!(context.min(PREFILL_CHUNK_SIZE))),
        ("tensor_parallel_shards", json!(1)),
        ("num_key_value_heads", json!(graph.heads.kv)),
        ("head_dim", json!(graph.heads.dim)),
        ("dtype", json!(quantization.model_dtype().name())),
        ("max_batch_size", json!(1)),
    ] {
        settings.insert(name.into(), value);
    }
    if graph.architecture == "mistral" {
        settings.insert("sliding_window_size".into(), json!(window));
    }
    Ok(settings)
}

/// Spells the settings of rope as older configs and MLC do: newer ones have all of them in one
/// object, or in one for each type of layer.
fn rope(config: &Config, graph: &Graph, settings: &mut Map<String, Value>) -> Result<(), Error> {
    let rope: Rope = config.read(graph.architecture)?;
    // Settings that differ by the type of layers stay as they are.
    let Ok(chosen) = rope.chosen(&windows(graph)) else { return Ok(()) };
    let all = [chosen.object, Some(&config.settings)].into_iter().flatten();
    let theta = all.filter_map(|all| all.get("rope_theta")).find(|theta| theta.is_number()).cloned();
    if let Some(theta) = theta {
        if ["llama", "mistral"].contains(&graph.architecture) {
            settings.insert("position_embedding_base".into(), theta.clone());
        }
        settings.insert("rope_theta".into(), theta);
    }
    if config.settings.get("rope_scaling").and_then(Value::as_object).is_some_and(|scaling| !scaling.is_empty()) {
        // It counts alone.
        settings.remove("rope_parameters");
    }
    if chosen.is_scaled() {
        settings.insert("rope_scaling".into(), chosen.object.map_or(Value::Null, |object| Value::Object(object.clone())));
    }
    Ok(())
}

/// The sliding window, if every layer has one; the greatest.
fn window(graph: &Graph) -> Option<u32> {
    windows(graph).into_iter().collect::<Option<Vec<u32>>>()?.into_iter().max()
}

/// The sliding window of each layer.
fn windows(graph: &Graph) -> Vec<Option<u32>> {
    let of = |kind: &OpKind| if let OpKind::Attention { window, .. } = kind { Some(*window) } else { None };
    graph.ops.iter().filter_map(|op| of(&op.kind)).collect()
}
