//! `mlc-chat-config.json`: what the model is, how it is served, and how to chat with it.

use super::conversation::Conversation;
use super::generation::Generation;
use super::tokenizer::{self, Tokenizer, TokenizerInfo};
use super::tokenizer_config::TokenizerConfig;
use super::{Warning, write_json};
use crate::graph::{Graph, OpKind};
use crate::model::Rope;
use crate::quant::Quantization;
use crate::{Config, Error};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::Path;

/// The file's name.
pub const NAME: &str = "mlc-chat-config.json";

/// The most rows of a prefill step, unless whoever compiles the model asks for others.
const PREFILL_CHUNK_SIZE: u32 = 1024;

/// Positions of a model whose config does not tell.
const CONTEXT_WINDOW_SIZE: u32 = 2048;

/// Settings of a Hugging Face config that say nothing about the model.
const FOREIGN: [&str; 5] = ["_name_or_path", "architectures", "model_type", "torch_dtype", "transformers_version"];

/// The file, with members in the order in which MLC writes them.
#[derive(Serialize)]
struct ChatConfig {
    version: &'static str,
    model_type: String,
    quantization: &'static str,
    model_config: Map<String, Value>,
    vocab_size: u32,
    context_window_size: i64,
    sliding_window_size: i64,
    prefill_chunk_size: u32,
    attention_sink_size: i64,
    tensor_parallel_shards: u32,
    pipeline_parallel_stages: u32,
    active_vocab_size: u32,
    temperature: Value,
    presence_penalty: Value,
    frequency_penalty: Value,
    repetition_penalty: Value,
    top_p: Value,
    // MLC leaves these out, and models that name them were tried with them.
    #[serde(skip_serializing_if = "Value::is_null")]
    top_k: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    min_p: Value,
    tokenizer_files: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokenizer_info: Option<TokenizerInfo>,
    conv_template: Conversation,
    #[serde(skip_serializing_if = "Value::is_null")]
    pad_token_id: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    bos_token_id: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    eos_token_id: Value,
}

/// Writes the file, and copies the tokenizer's files beside it.
///
/// # Errors
/// [`ErrorKind::Checkpoint`] for a file of `source` that is damaged, [`ErrorKind::Io`].
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
    let conv_template = Conversation::guess(&tokenizer_config, tokenizer.as_ref(), bos.first().copied(), &eos);
    if tokenizer.is_none() {
        warnings.push(Warning::NoTokenizer);
    } else if conv_template.is_plain() {
        warnings.push(Warning::NoConversation);
    }

    let context = graph.max_positions.unwrap_or(CONTEXT_WINDOW_SIZE);
    // WebLLM wants either a context window or a sliding window that every layer has.
    let window = window(graph);
    let chat = ChatConfig {
        version: "0.1.0",
        model_type: config.model_type.clone().unwrap_or_else(|| graph.architecture.into()),
        quantization: quantization.name(),
        vocab_size: graph.vocab_size,
        context_window_size: window.map_or(context.into(), |_| -1),
        sliding_window_size: window.map_or(-1, i64::from),
        prefill_chunk_size: context.min(PREFILL_CHUNK_SIZE),
        attention_sink_size: window.map_or(-1, |_| 0),
        tensor_parallel_shards: 1,
        pipeline_parallel_stages: 1,
        active_vocab_size: tokenizer.as_ref().map_or(graph.vocab_size, |tokenizer| tokenizer.size),
        temperature: generation.temperature(warnings),
        presence_penalty: generation.number("presence_penalty", json!(0.0), warnings),
        frequency_penalty: generation.number("frequency_penalty", json!(0.0), warnings),
        repetition_penalty: generation.number("repetition_penalty", json!(1.0), warnings),
        top_p: generation.number("top_p", json!(1.0), warnings),
        top_k: generation.top_k(warnings),
        min_p: generation.number("min_p", Value::Null, warnings),
        tokenizer_files: tokenizer::copy(source, output, &tokenizer_config)?,
        tokenizer_info: tokenizer.map(|tokenizer| tokenizer.info),
        conv_template,
        pad_token_id: ids(&pad[..pad.len().min(1)]),
        bos_token_id: ids(&bos[..bos.len().min(1)]),
        eos_token_id: ids(&eos),
        model_config: model_config(config, graph, quantization)?,
    };
    write_json(&output.join(NAME), &chat, b"  ")
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
    let chosen = rope.chosen(&windows(graph))?;
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

/// Ids as MLC writes them: one alone, several as a list, and null for none.
fn ids(ids: &[u32]) -> Value {
    match ids {
        [] => Value::Null,
        [one] => json!(one),
        several => json!(several),
    }
}
