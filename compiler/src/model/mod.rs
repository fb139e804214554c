//! Architectures: one file each, from config to graph.
//!
//! An architecture is a serde `Config` with the settings it has beyond those of every [`Decoder`], and a function that writes its graph
//! down. Both follow Hugging Face's names. To add one, write its file and its line in [`ALL`].

mod baichuan;
mod chatglm;
mod cohere;
mod ernie;
mod exaone;
mod gemma;
mod gemma2;
mod gemma3;
mod gemma4;
mod glm;
mod gpt2;
mod gpt_bigcode;
mod gpt_neox;
mod gptj;
mod granite;
mod hunyuan;
mod internlm;
mod internlm2;
mod llama;
mod minicpm;
mod ministral3;
mod mistral;
mod olmo;
mod orion;
mod parameters;
mod parts;
mod phi;
mod phi3;
mod positions;
mod qwen;
mod qwen2;
mod qwen3;
mod rope;
mod scaling;
mod smollm3;
mod stablelm;
mod starcoder2;
mod unknown;
mod window;

use crate::config::Config;
use crate::graph::{Act, Graph, Heads};
use crate::{Error, ErrorKind};
pub use positions::positions;
pub(crate) use rope::Rope;
use serde::Deserialize;
use window::Windows;

/// A model family.
pub struct Architecture {
    /// `model_type` in configs of either kind.
    pub name: &'static str,
    /// Hugging Face's class.
    pub class: &'static str,
    /// Models that people know, for tables.
    pub models: &'static str,
    /// Writes the graph.
    graph: fn(&Config) -> Result<Graph, Error>,
}

impl Architecture {
    /// Other values of `model_type` that it is for: older names, and models that see or hear, of which it is the text model.
    pub fn aliases(&self) -> impl Iterator<Item = &'static str> {
        ALIASES.iter().filter(|(_, name)| *name == self.name).map(|(alias, _)| *alias)
    }
}

/// One of [`ALL`].
const fn of(name: &'static str, class: &'static str, models: &'static str, graph: fn(&Config) -> Result<Graph, Error>) -> Architecture {
    Architecture { name, class, models, graph }
}

/// The known ones.
const ALL: &[Architecture] = &[
    of("baichuan", "BaichuanForCausalLM", "Baichuan, Baichuan 2 (7B)", baichuan::graph),
    of("chatglm", "ChatGLMModel", "ChatGLM 2 and 3, GLM-4-9B", chatglm::graph),
    of("cohere", "CohereForCausalLM", "Command R, Aya 23, Aya Expanse", cohere::first),
    of("cohere2", "Cohere2ForCausalLM", "Command R7B, Command A", cohere::second),
    of("ernie4_5", "Ernie4_5ForCausalLM", "ERNIE 4.5 (0.3B)", ernie::graph),
    of("exaone", "ExaoneForCausalLM", "EXAONE 3.0, 3.5, Deep", exaone::graph),
    of("gemma", "GemmaForCausalLM", "Gemma, CodeGemma", gemma::graph),
    of("gemma2", "Gemma2ForCausalLM", "Gemma 2", gemma2::graph),
    of("gemma3", "Gemma3ForConditionalGeneration", "Gemma 3 (4B to 27B, text)", gemma3::graph),
    of("gemma3_text", "Gemma3ForCausalLM", "Gemma 3 (270M, 1B)", gemma3::graph),
    of("gemma4", "Gemma4ForConditionalGeneration", "Gemma 4 (dense, text)", gemma4::graph),
    of("gemma4_text", "Gemma4ForCausalLM", "Gemma 4 (dense)", gemma4::graph),
    of("glm", "GlmForCausalLM", "GLM-4-9B, GLM-Edge", glm::first),
    of("glm4", "Glm4ForCausalLM", "GLM-4-0414, GLM-Z1", glm::second),
    of("gpt2", "GPT2LMHeadModel", "GPT-2", gpt2::graph),
    of("gpt_bigcode", "GPTBigCodeForCausalLM", "StarCoder, SantaCoder", gpt_bigcode::graph),
    of("gpt_neox", "GPTNeoXForCausalLM", "Pythia, RedPajama, Dolly", gpt_neox::graph),
    of("gptj", "GPTJForCausalLM", "GPT-J", gptj::graph),
    of("granite", "GraniteForCausalLM", "Granite 3", granite::dense),
    of("granitemoehybrid", "GraniteMoeHybridForCausalLM", "Granite 4 (dense)", granite::hybrid),
    of("hunyuan_v1_dense", "HunYuanDenseV1ForCausalLM", "Hunyuan 0.5B to 7B, Hunyuan-MT", hunyuan::graph),
    of("internlm", "InternLMForCausalLM", "InternLM", internlm::graph),
    of("internlm2", "InternLM2ForCausalLM", "InternLM 2 and 2.5", internlm2::graph),
    of("llama", "LlamaForCausalLM", "Llama 1 to 3.2, TinyLlama, SmolLM 1 and 2, Code Llama, Yi", llama::graph),
    of("minicpm", "MiniCPMForCausalLM", "MiniCPM 1 to 4 (dense)", minicpm::graph),
    of("ministral3", "Ministral3ForCausalLM", "Ministral 3", ministral3::graph),
    of("mistral", "MistralForCausalLM", "Mistral 7B, Nemo", mistral::graph),
    of("olmo2", "Olmo2ForCausalLM", "OLMo 2", olmo::second),
    of("olmo3", "Olmo3ForCausalLM", "OLMo 3", olmo::third),
    of("orion", "OrionForCausalLM", "Orion 14B", orion::graph),
    of("phi", "PhiForCausalLM", "Phi 1, 1.5, 2", phi::graph),
    of("phi-msft", "PhiForCausalLM", "Phi 1.5 and 2 (first checkpoints)", phi::first),
    of("phi3", "Phi3ForCausalLM", "Phi-3, 3.5, 4, 4-mini", phi3::graph),
    of("qwen", "QWenLMHeadModel", "Qwen (the first)", qwen::graph),
    of("qwen2", "Qwen2ForCausalLM", "Qwen 2, 2.5, DeepSeek-R1-Distill-Qwen", qwen2::graph),
    of("qwen3", "Qwen3ForCausalLM", "Qwen 3", qwen3::graph),
    of("smollm3", "SmolLM3ForCausalLM", "SmolLM3", smollm3::graph),
    of("stablelm", "StableLmForCausalLM", "StableLM 3B, StableLM 2", stablelm::graph),
    of("starcoder2", "Starcoder2ForCausalLM", "StarCoder 2", starcoder2::graph),
];

/// Other names of the same architectures: text models of models that see, and older names.
const ALIASES: &[(&str, &str)] = &[
    ("gpt-j", "gptj"),
    ("idefics3", "llama"),
    ("llava", "llama"),
    ("mistral3", "mistral"),
    ("phi3_v", "phi3"),
    ("qwen2_vl", "qwen2"),
    ("qwen2_vl_text", "qwen2"),
    ("qwen2_5_vl", "qwen2"),
    ("qwen2_5_vl_text", "qwen2"),
    ("qwen3_vl", "qwen3"),
    ("qwen3_vl_text", "qwen3"),
    ("smolvlm", "llama"),
    ("stablelm_epoch", "stablelm"),
];

/// The architectures that are supported, in the order of their names.
#[must_use]
pub fn architectures() -> &'static [Architecture] {
    ALL
}

/// The graph of a model.
///
/// # Errors
/// [`ErrorKind::UnknownArchitecture`], with the nearest of the known ones; [`ErrorKind::Config`] for a missing or ill-typed setting;
/// [`ErrorKind::Setting`] for a value that cannot be served.
pub fn graph(config: &Config) -> Result<Graph, Error> {
    let alias = |name: &str| ALIASES.iter().find(|(other, _)| *other == name).map(|(_, name)| *name);
    let found = ALL.iter().find(|architecture| match &config.model_type {
        Some(name) => architecture.name == alias(name).unwrap_or(name),
        None => config.classes.iter().any(|class| class == architecture.class),
    });
    let architecture = found.ok_or_else(|| unknown::error(config))?;
    (architecture.graph)(config)
}

/// More layers than any model has: a guard against configs that would never finish.
const MAX_LAYERS: u32 = 1024;

/// The largest head that attention has registers and workgroup memory for.
const MAX_HEAD: u32 = 512;

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
const ACTS: [(&str, Act); 6] = [
    ("silu", Act::Silu),
    ("swish", Act::Silu),
    ("gelu", Act::Gelu),
    ("gelu_pytorch_tanh", Act::GeluTanh),
    ("gelu_new", Act::GeluTanh),
    ("gelu_fast", Act::GeluTanh),
];

impl Decoder {
    /// A decoder of this shape, with all else left open.
    fn new(vocab_size: u32, hidden_size: u32, intermediate_size: u32, num_hidden_layers: u32, num_attention_heads: u32) -> Decoder {
        Decoder {
            vocab_size,
            hidden_size,
            intermediate_size,
            num_hidden_layers,
            num_attention_heads,
            num_key_value_heads: None,
            head_dim: None,
            max_position_embeddings: None,
            rms_norm_eps: default_eps(),
            hidden_act: None,
            hidden_activation: None,
            tie_word_embeddings: None,
        }
    }

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
            stretched_after: None,
            prefix: "",
            params: Vec::new(),
            ops: Vec::new(),
        })
    }
}

/// A setting that must be a positive number.
fn positive(setting: &'static str, value: f64) -> Result<f64, Error> {
    check(setting, value, value.is_finite() && value > 0.0, || "positive".into())?;
    Ok(value)
}

fn check(setting: &'static str, found: impl ToString, holds: bool, expected: impl FnOnce() -> String) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(ErrorKind::Setting { setting, found: found.to_string(), expected: expected() }.into()) }
}

#[cfg(test)]
mod names_tests;
#[cfg(test)]
pub(crate) mod tests;
