//! Architectures: one file each, from config to graph.
//!
//! An architecture is a serde `Config` with the settings it has beyond those of every [`Decoder`], and a function that writes its graph
//! down. Both follow Hugging Face's names. To add one, write its file and its line in [`ALL`].

mod gemma2;
mod gpt2;
mod llama;
mod mistral;
mod qwen2;
mod qwen3;
mod rope;
mod window;

use crate::config::Config;
use crate::graph::{Act, Graph, Heads};
use crate::{Error, ErrorKind};
pub(crate) use rope::Rope;
use serde::Deserialize;
use window::Windows;

/// A model family.
struct Architecture {
    /// `model_type` in configs of either kind.
    name: &'static str,
    /// Hugging Face's class.
    class: &'static str,
    /// Writes the graph.
    graph: fn(&Config) -> Result<Graph, Error>,
}

/// The known ones.
const ALL: [Architecture; 6] = [
    Architecture { name: "gemma2", class: "Gemma2ForCausalLM", graph: gemma2::graph },
    Architecture { name: "gpt2", class: "GPT2LMHeadModel", graph: gpt2::graph },
    Architecture { name: "llama", class: "LlamaForCausalLM", graph: llama::graph },
    Architecture { name: "mistral", class: "MistralForCausalLM", graph: mistral::graph },
    Architecture { name: "qwen2", class: "Qwen2ForCausalLM", graph: qwen2::graph },
    Architecture { name: "qwen3", class: "Qwen3ForCausalLM", graph: qwen3::graph },
];

/// Names of the known architectures.
pub fn known() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|architecture| architecture.name)
}

/// The graph of a model.
///
/// # Errors
/// [`ErrorKind::UnknownArchitecture`], which lists the known ones; [`ErrorKind::Config`] for a missing or ill-typed setting;
/// [`ErrorKind::Setting`] for a value that cannot be served.
pub fn graph(config: &Config) -> Result<Graph, Error> {
    let found = ALL.iter().find(|architecture| match &config.model_type {
        Some(name) => architecture.name == name,
        None => config.classes.iter().any(|class| class == architecture.class),
    });
    let Some(architecture) = found else {
        let found = config.model_type.clone().unwrap_or_else(|| config.classes.join(", "));
        return Err(ErrorKind::UnknownArchitecture { found, known: known().collect::<Vec<_>>().join(", ") }.into());
    };
    (architecture.graph)(config)
}

/// How many positions a model is for: those that it was trained with, and what its rope stretches them to. `None` where the config does not
/// tell, or cannot be read.
#[must_use]
pub fn positions(config: &Config) -> Option<u32> {
    #[derive(Deserialize)]
    struct Positions {
        max_position_embeddings: Option<u32>,
        // The names of GPT-2, which some configs have both.
        n_positions: Option<u32>,
        n_ctx: Option<u32>,
        #[serde(flatten)]
        rope: Rope,
    }
    let found: Positions = config.read("any").ok()?;
    let trained = found.max_position_embeddings.or(found.n_positions).or(found.n_ctx).or(config.context_window_size)?;
    Some(found.rope.stretched(trained))
}

/// More layers than any model has: a guard against configs that would never finish.
const MAX_LAYERS: u32 = 1024;

/// The largest head that attention has registers and workgroup memory for.
const MAX_HEAD: u32 = 256;

/// More than any dimension of a model: what keeps products of them in range.
const MAX_SIZE: u32 = 1 << 24;

/// The settings that every decoder has.
#[derive(Deserialize)]
struct Decoder {
    vocab_size: u32,
    hidden_size: u32,
    intermediate_size: u32,
    num_hidden_layers: u32,
    num_attention_heads: u32,
    num_key_value_heads: Option<u32>,
    head_dim: Option<u32>,
    max_position_embeddings: Option<u32>,
    #[serde(default = "default_eps")]
    rms_norm_eps: f32,
    #[serde(default, deserialize_with = "not_null")]
    hidden_act: Option<String>,
    /// The newer name in Gemma's configs.
    hidden_activation: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    tie_word_embeddings: Option<bool>,
}

/// A setting that may be left out but not be null: nobody could say what null means.
fn not_null<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn default_eps() -> f32 {
    1e-6
}

/// Names of activations, as configs have them.
const ACTS: [(&str, Act); 5] = [
    ("silu", Act::Silu),
    ("swish", Act::Silu),
    ("gelu_pytorch_tanh", Act::GeluTanh),
    ("gelu_new", Act::GeluTanh),
    ("gelu_fast", Act::GeluTanh),
];

impl Decoder {
    /// The activation of the MLP.
    fn act(&self) -> Result<Act, Error> {
        let Some(name) = &self.hidden_act else { return Ok(Act::Silu) };
        let found = ACTS.iter().find(|(known, _)| known == name);
        let known = || ACTS.map(|(name, _)| format!("`{name}`")).join(", ");
        check("hidden_act", format!("`{name}`"), found.is_some(), || format!("one of {}", known()))?;
        Ok(found.map_or(Act::Silu, |(_, act)| *act))
    }

    /// An empty graph of this shape, once the shape is known to be one that kernels can compute.
    fn graph(&self, architecture: &'static str) -> Result<Graph, Error> {
        let queries = self.num_attention_heads;
        for (setting, size, limit) in [
            ("vocab_size", self.vocab_size, MAX_SIZE),
            ("hidden_size", self.hidden_size, MAX_SIZE),
            ("intermediate_size", self.intermediate_size, MAX_SIZE),
            ("num_hidden_layers", self.num_hidden_layers, MAX_LAYERS),
            ("num_attention_heads", queries, MAX_SIZE),
            ("num_key_value_heads", self.num_key_value_heads.unwrap_or(queries), MAX_SIZE),
            ("head_dim", self.head_dim.unwrap_or(8), MAX_SIZE),
            ("max_position_embeddings", self.max_position_embeddings.unwrap_or(1), u32::MAX),
        ] {
            check(setting, size, (1..=limit).contains(&size), || format!("from 1 to {limit}"))?;
        }
        let dim = match self.head_dim {
            Some(dim) => dim,
            None => {
                check("hidden_size", self.hidden_size, self.hidden_size.is_multiple_of(queries), || {
                    format!("a multiple of num_attention_heads ({queries}), as there is no head_dim")
                })?;
                self.hidden_size / queries
            }
        };
        let heads = Heads { query: queries, kv: self.num_key_value_heads.unwrap_or(queries), dim };
        check("head_dim", dim, dim.is_multiple_of(8) && dim <= MAX_HEAD, || format!("a multiple of 8, at most {MAX_HEAD}"))?;
        check("hidden_size", self.hidden_size, self.hidden_size.is_multiple_of(4), || "a multiple of 4".into())?;
        check("intermediate_size", self.intermediate_size, self.intermediate_size.is_multiple_of(4), || "a multiple of 4".into())?;
        check("num_attention_heads", queries, queries.is_multiple_of(heads.kv), || {
            format!("a multiple of num_key_value_heads ({})", heads.kv)
        })?;
        let width = (u64::from(heads.query) + 2 * u64::from(heads.kv)) * u64::from(dim);
        check("head_dim", dim, width <= MAX_SIZE.into(), || format!("such that all heads together have at most {MAX_SIZE} elements"))?;
        check("rms_norm_eps", self.rms_norm_eps, self.rms_norm_eps.is_finite() && self.rms_norm_eps > 0.0, || "positive".into())?;
        self.act()?;
        Ok(Graph {
            architecture,
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            layers: self.num_hidden_layers,
            heads,
            max_positions: self.max_position_embeddings,
            params: Vec::new(),
            ops: Vec::new(),
        })
    }
}

fn check(setting: &'static str, found: impl ToString, holds: bool, expected: impl FnOnce() -> String) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(ErrorKind::Setting { setting, found: found.to_string(), expected: expected() }.into()) }
}

#[cfg(test)]
pub(crate) mod tests;
